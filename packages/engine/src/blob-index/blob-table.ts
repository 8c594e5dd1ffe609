import type { BlobLocation, BlobType, PackedBlob } from "../format/blob.ts";
import type { BlobId, ObjectId } from "../format/ids.ts";
import { IdTable } from "./id-table.ts";
import { NumberColumn } from "./number-column.ts";

/** All blobs of one type, one row each, in the order in which they were added: 48 bytes a row and about 6 to find it. */
export class BlobTable {
  readonly #type: BlobType;
  readonly #ids = new IdTable();
  /** Which row of the pack table a blob belongs to. */
  readonly #packRows = new NumberColumn();
  readonly #offsets = new NumberColumn();
  readonly #lengths = new NumberColumn();
  readonly #uncompressedLengths = new NumberColumn();

  constructor(type: BlobType) {
    this.#type = type;
  }

  get count(): number {
    return this.#ids.count;
  }

  append(packRow: number, blob: PackedBlob): void {
    this.#ids.append(blob.id);
    this.#packRows.append(packRow);
    this.#offsets.append(blob.offset);
    this.#lengths.append(blob.length);
    this.#uncompressedLengths.append(blob.uncompressedLength);
  }

  has(id: BlobId): boolean {
    return this.#ids.find(id) !== -1;
  }

  /** All copies, oldest first; `packAt` gives the pack of a row of the pack table. */
  find(id: BlobId, packAt: (packRow: number) => ObjectId): BlobLocation[] {
    const locations: BlobLocation[] = [];
    for (let row = this.#ids.find(id); row !== -1; row = this.#ids.findNext(row))
      locations.push({ pack: packAt(this.#packRows.at(row)), ...this.#blob(id, row) });
    return locations.reverse();
  }

  at(row: number): PackedBlob {
    return this.#blob(this.#ids.at(row) as BlobId, row);
  }

  #blob(id: BlobId, row: number): PackedBlob {
    return {
      type: this.#type,
      id,
      offset: this.#offsets.at(row),
      length: this.#lengths.at(row),
      uncompressedLength: this.#uncompressedLengths.at(row),
    };
  }
}
