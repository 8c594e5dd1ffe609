import { free } from "../flow/free.ts";

/**
 * Gathers text as UTF-8 bytes. A directory of a million entries has more text than a string may hold in some runtimes, and one long string
 * would be in memory beside its bytes.
 */
export class TextBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #pending = "";

  /** Grows as needed; `capacityBytes` only saves the growing. */
  constructor(capacityBytes = 4096) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  append(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= pendingMaxUnits) this.#flush();
  }

  /** Text that is UTF-8 already. */
  appendBytes(bytes: Uint8Array): void {
    this.#flush();
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /**
   * All that was appended, once: this is empty then. The array's buffer may be longer, for hundreds of megabytes are not copied only to be
   * cut.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    this.#flush();
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return bytes;
  }

  #flush(): void {
    if (this.#pending === "") return;
    // A UTF-16 unit never takes more than three bytes.
    this.#reserve(this.#pending.length * 3);
    this.#length += encoder.encodeInto(this.#pending, this.#bytes.subarray(this.#length)).written;
    this.#pending = "";
  }

  #reserve(moreBytes: number): void {
    const neededBytes = this.#length + moreBytes;
    if (neededBytes <= this.#bytes.length) return;
    // Memory that is not written to is not taken from the system: what is reserved too much costs nothing.
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, neededBytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    free(this.#bytes);
    this.#bytes = larger;
  }
}

const encoder = new TextEncoder();

/** Long enough that calling the encoder costs nothing, short enough that the text is never half of the memory. */
const pendingMaxUnits = 64 * 1024;
