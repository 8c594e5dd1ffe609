import type { BlobId } from "../format/ids.ts";

const idBytes = 32;
const firstCapacity = 256;

/** A list of ids of 32 bytes each, where as strings they would take three times that. */
export class GrowingIds {
  #bytes = new Uint8Array(firstCapacity * idBytes);
  #count = 0;

  push(id: BlobId): void {
    const end = (this.#count + 1) * idBytes;
    if (end > this.#bytes.length) {
      // Moved, not copied: see `GrowingColumn`.
      this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(this.#bytes.length * 2));
    }
    this.#bytes.subarray(this.#count * idBytes, end).setFromHex(id);
    this.#count += 1;
  }

  at(position: number): Uint8Array {
    return this.#bytes.subarray(position * idBytes, (position + 1) * idBytes);
  }

  areEqual(a: number, b: number): boolean {
    return this.at(a).every((byte, index) => byte === this.#bytes[b * idBytes + index]);
  }
}
