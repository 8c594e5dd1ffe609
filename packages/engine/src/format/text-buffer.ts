/**
 * Gathers text as UTF-8 bytes. A directory of a million entries has more text than a string may hold in some runtimes, and one long string
 * would be in memory beside its bytes.
 */
export class TextBuffer {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #length = 0;
  #pending = "";

  append(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= pendingMaxUnits) this.#flush();
  }

  /** All that was appended, in a buffer of its own. */
  bytes(): Uint8Array {
    this.#flush();
    return this.#bytes.slice(0, this.#length);
  }

  #flush(): void {
    // A UTF-16 unit never takes more than three bytes.
    const neededBytes = this.#length + this.#pending.length * 3;
    if (neededBytes > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, neededBytes));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#length += encoder.encodeInto(this.#pending, this.#bytes.subarray(this.#length)).written;
    this.#pending = "";
  }
}

const encoder = new TextEncoder();

/** Long enough that calling the encoder costs nothing, short enough that the text is never half of the memory. */
const pendingMaxUnits = 64 * 1024;
