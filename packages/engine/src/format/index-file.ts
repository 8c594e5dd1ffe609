import { EngineError } from "../errors/engine-error.ts";
import type { BlobType, PackedBlob } from "./blob.ts";
import { type BlobId, type ObjectId, parseBlobId, parseObjectId } from "./ids.ts";
import {
  blobRowWords,
  dataCountAt,
  type FilledIndexRows,
  lengthAt,
  offsetAt,
  packRowWords,
  rowId,
  treeCountAt,
  uncompressedLengthAt,
} from "./index-rows.ts";
import { JsonReader } from "./json-reader.ts";
import { TextBuffer } from "./text-buffer.ts";

/** Which blobs some packs hold (restic design.rst, "Indexing"). All index files of a repository together are its index. */
export interface IndexFile {
  readonly packs: readonly { readonly id: ObjectId; readonly blobs: readonly PackedBlob[] }[];
}

/** An index file with the packs of all these rows. */
export function encodeIndexRows(all: Iterable<FilledIndexRows>): Uint8Array {
  const buffer = new TextBuffer();
  buffer.append('{"packs":[');
  let packSeparator = "";
  for (const { packCount, packs, blobs } of all) {
    let at = 0;
    for (let pack = 0; pack < packCount; pack++) {
      const packAt = pack * packRowWords;
      buffer.append(`${packSeparator}{"id":"${rowId(packs, packAt)}","blobs":[`);
      packSeparator = ",";
      const counts = { data: packs[packAt + dataCountAt] ?? 0, tree: packs[packAt + treeCountAt] ?? 0 };
      let blobSeparator = "";
      for (const type of ["data", "tree"] as const)
        for (let left = counts[type]; left > 0; left--, at += blobRowWords) {
          buffer.append(blobSeparator);
          writeRow(buffer, blobs, at, type);
          blobSeparator = ",";
        }
      buffer.append("]}");
    }
  }
  // restic writes index files, and only them, with a line feed at the end.
  buffer.append("]}\n");
  return buffer.bytes();
}

function writeRow(out: TextBuffer, rows: Uint32Array, at: number, type: BlobType): void {
  const uncompressedLength = rows[at + uncompressedLengthAt] ?? 0;
  out.append('{"id":"');
  out.append(rowId(rows, at));
  out.append(type === "data" ? '","type":"data","offset":' : '","type":"tree","offset":');
  out.appendInteger(rows[at + offsetAt] ?? 0);
  out.append(',"length":');
  out.appendInteger(rows[at + lengthAt] ?? 0);
  if (uncompressedLength !== 0) {
    out.append(',"uncompressed_length":');
    out.appendInteger(uncompressedLength);
  }
  out.append("}");
}

/**
 * Throws `corrupt-data` for anything but an index file whose numbers fit 32 bits. Blobs keep the order found, which may be any. What other
 * versions and programs add is ignored: restic's old `supersedes` (every index file that is there counts), rustic's `packs_to_delete`.
 */
export function decodeIndexFile(bytes: Uint8Array): IndexFile {
  const reader = new JsonReader(bytes, "Index file");
  const packs: { id: ObjectId; blobs: PackedBlob[] }[] = [];
  let hasPacks = false;
  reader.object((key) => {
    if (key !== "packs") return;
    hasPacks = true;
    reader.array(() => packs.push(readPack(reader)));
  });
  reader.end();
  if (!hasPacks) throw new EngineError("corrupt-data", "Index file has no list of packs");
  return { packs };
}

function readPack(reader: JsonReader): { id: ObjectId; blobs: PackedBlob[] } {
  let id: ObjectId | undefined;
  const blobs: PackedBlob[] = [];
  reader.object((key) => {
    if (key === "id") id = parseObjectId(reader.string());
    else if (key === "blobs") reader.array(() => blobs.push(readBlob(reader)));
  });
  if (id === undefined) throw new EngineError("corrupt-data", "Index file has a pack without an id");
  return { id, blobs };
}

function readBlob(reader: JsonReader): PackedBlob {
  let id: BlobId | undefined;
  let type: BlobType | undefined;
  let offset = 0;
  let length = 0;
  let uncompressedLength = 0;
  reader.object((key) => {
    if (key === "id") id = parseBlobId(reader.string());
    else if (key === "type") type = parseBlobType(reader.string());
    else if (key === "offset") offset = reader.uint32();
    else if (key === "length") length = reader.uint32();
    else if (key === "uncompressed_length") uncompressedLength = reader.uint32();
  });
  if (id === undefined || type === undefined) {
    throw new EngineError("corrupt-data", `Index file has a blob without ${id === undefined ? "an id" : "a type"}`);
  }
  if (length < minSealedBytes) {
    throw new EngineError("corrupt-data", `Index file gives blob ${id} the impossible length ${length}`);
  }
  return { type, id, offset, length, uncompressedLength };
}

/** IV and MAC: no sealed blob is shorter. */
export const minSealedBytes = 32;

function parseBlobType(text: string): BlobType {
  if (text === "data" || text === "tree") return text;
  throw new EngineError("corrupt-data", `Index file has a blob of unknown type ${JSON.stringify(text.slice(0, 20))}`);
}
