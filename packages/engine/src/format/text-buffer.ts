import { free } from "../flow/free.ts";

/**
 * Gathers text as UTF-8 bytes. A directory of a million entries has more text than a string may hold in some runtimes, and one long string
 * would be in memory beside its bytes.
 */
export class TextBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** Grows as needed; `capacityBytes` only saves the growing. */
  constructor(capacityBytes = 4096) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  append(text: string): void {
    // A UTF-16 unit never takes more than three bytes.
    this.#reserve(text.length * 3);
    // Most text is short and ASCII: a loop costs less than a call of the encoder, and leaves nothing behind.
    if (text.length > loopMaxUnits || !this.#appendAscii(text))
      this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** The decimal digits of an integer from 0 to 2^53. */
  appendInteger(value: number): void {
    this.appendDigits(value, digitsOf(value));
  }

  /** As many of the last decimal digits of an integer, with zeros in front. */
  appendDigits(value: number, digits: number): void {
    this.#reserve(digits);
    let rest = value;
    for (let at = this.#length + digits - 1; at >= this.#length; at -= 1) {
      const tenth = Math.floor(rest / 10);
      this.#bytes[at] = zero + (rest - tenth * 10);
      rest = tenth;
    }
    this.#length += digits;
  }

  /** Text that is UTF-8 already. */
  appendBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /**
   * All that was appended, once: this is empty then. The array's buffer may be longer, for hundreds of megabytes are not copied only to be
   * cut.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return bytes;
  }

  /** False if there is more than ASCII: then nothing is appended. */
  #appendAscii(text: string): boolean {
    const bytes = this.#bytes;
    let to = this.#length;
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit >= 0x80) return false;
      bytes[to] = unit;
      to += 1;
    }
    this.#length = to;
    return true;
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

/** From here on the encoder is faster. */
const loopMaxUnits = 200;

const zero = 0x30;

function digitsOf(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits += 1;
  return digits;
}
