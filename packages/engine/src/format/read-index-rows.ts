import { decodeIndexFile, minSealedBytes } from "./index-file.ts";
import { IndexRows } from "./index-rows.ts";

/**
 * What an index file says, as rows. It accepts, refuses and means exactly what `decodeIndexFile` does; files that are written to the byte as
 * restic and SaveOS write them, which are nearly all, are read straight from their bytes: 7 MB in 9 ms instead of 74.
 */
export function readIndexRows(json: Uint8Array): IndexRows {
  const rows = readPlainIndex(json);
  if (rows) return rows;
  const strict = new IndexRows();
  for (const { id, blobs } of decodeIndexFile(json).packs) strict.addPack(id, blobs);
  return strict;
}

/** Undefined unless the file has exactly the bytes that restic writes for its content; what may be wrong with it is not looked for. */
export function readPlainIndex(json: Uint8Array): IndexRows | undefined {
  const reader = new PlainIndexReader(json);
  return reader.read() ? reader.rows : undefined;
}

/** The texts between what changes, in the order of restic's own encoder. */
const packsStart = bytesOf('{"packs":[');
const packIdStart = bytesOf('{"id":"');
const blobsStart = bytesOf('","blobs":[');
const blobIdStart = bytesOf('{"id":"');
const dataStart = bytesOf('","type":"data","offset":');
const treeStart = bytesOf('","type":"tree","offset":');
const lengthStart = bytesOf(',"length":');
const uncompressedStart = bytesOf(',"uncompressed_length":');
const packEnd = bytesOf("]}");
const indexEnd = bytesOf("]}");

/** Where `data` and `tree` differ. */
const typeLetterAt = '","type":"'.length;

/** No blob is shorter than this in the file, so there is room for all of them from the start. */
const blobTextBytes = 110;

const idDigits = 64;
const uint32Max = 0xffff_ffff;
/** So many digits never leave the numbers that JavaScript counts exactly. */
const digitsMax = 10;

class PlainIndexReader {
  readonly rows: IndexRows;
  readonly #json: Uint8Array;
  #at = 0;

  constructor(json: Uint8Array) {
    this.#json = json;
    this.rows = new IndexRows(16, Math.ceil(json.length / blobTextBytes));
  }

  /** False for anything unusual. */
  read(): boolean {
    if (!this.#skip(packsStart)) return false;
    if (this.#json[this.#at] !== closeBracket) {
      do if (!this.#pack()) return false;
      while (this.#skipComma());
    }
    if (!this.#skip(indexEnd)) return false;
    if (this.#json[this.#at] === lineFeed) this.#at += 1;
    return this.#at === this.#json.length;
  }

  #pack(): boolean {
    if (!this.#skip(packIdStart) || !this.#id(this.rows.packIdPlace(), 0) || !this.#skip(blobsStart)) return false;
    if (this.#json[this.#at] !== closeBracket) {
      do if (!this.#blob()) return false;
      while (this.#skipComma());
    }
    this.rows.endPack();
    return this.#skip(packEnd);
  }

  #blob(): boolean {
    const { rows } = this;
    rows.makeRoomForBlob();
    if (!this.#skip(blobIdStart) || !this.#id(rows.blobBytes, rows.blobIdAt)) return false;
    const isTree = this.#json[this.#at + typeLetterAt] === letterT;
    if (!this.#skip(isTree ? treeStart : dataStart)) return false;
    const offset = this.#uint32();
    if (!this.#skip(lengthStart)) return false;
    const length = this.#uint32();
    let uncompressedLength = 0;
    if (this.#json[this.#at] === comma) {
      if (!this.#skip(uncompressedStart)) return false;
      uncompressedLength = this.#uint32();
    }
    if (offset < 0 || length < minSealedBytes || uncompressedLength < 0) return false;
    if (this.#json[this.#at] !== closeBrace) return false;
    this.#at += 1;
    rows.endBlob(isTree ? "tree" : "data", offset, length, uncompressedLength);
    return true;
  }

  #skip(text: Uint8Array): boolean {
    const json = this.#json;
    const start = this.#at;
    for (let n = 0; n < text.length; n++) if (json[start + n] !== text[n]) return false;
    this.#at = start + text.length;
    return true;
  }

  #skipComma(): boolean {
    if (this.#json[this.#at] !== comma) return false;
    this.#at += 1;
    return true;
  }

  /** Writes the id that is here in digits to `target` at `to`. */
  #id(target: Uint8Array, to: number): boolean {
    const json = this.#json;
    const end = this.#at + idDigits;
    let seen = 0;
    for (let at = this.#at, place = to; at < end; at += 2, place += 1) {
      // Past the end of the file there is no digit either.
      const high = valueOfDigit[json[at] ?? 0] ?? notDigit;
      const low = valueOfDigit[json[at + 1] ?? 0] ?? notDigit;
      seen |= high | low;
      target[place] = (high << 4) | low;
    }
    this.#at = end;
    return seen < notDigit;
  }

  /** The number here, or −1 if it does not fit or is no number as JSON writes it. */
  #uint32(): number {
    const json = this.#json;
    const start = this.#at;
    let at = start;
    let value = 0;
    for (; at - start <= digitsMax; at += 1) {
      const digit = (json[at] ?? 0) - digitZero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.#at = at;
    const hasLeadingZero = json[start] === digitZero && at > start + 1;
    return at === start || hasLeadingZero || value > uint32Max ? -1 : value;
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Above the value of every digit, in a bit that no digit has. */
const notDigit = 16;
/** What a byte means as a hex digit; capitals are none, as in names. */
const valueOfDigit = new Uint8Array(256).fill(notDigit);
for (let value = 0; value < 16; value++) valueOfDigit[value.toString(16).charCodeAt(0)] = value;

const lineFeed = 0x0a;
const comma = 0x2c;
const digitZero = 0x30;
const closeBracket = 0x5d;
const letterT = 0x74;
const closeBrace = 0x7d;
