import { invariant } from "../errors/invariant.ts";

const idBytes = 32;
const idWords = idBytes / 4;

/** Ids are kept in segments of this many: growing never copies ids, and an almost empty table is small. */
const idsPerSegment = 2 ** 13;

/** Numbers in the chains are one higher than indexes, so that a fresh array of zeros is a table of empty chains. */
const none = 0;
const smallestBucketCount = 1024;

/**
 * Many 32-byte ids in few objects, found in constant time: 32 bytes an id, 4 to 8 for its chain and bucket. The same id may be
 * there several times. An id's index is the number of ids appended before it. Takes and gives ids as 64 hex digits.
 *
 * Ids are hashes, so their first four bytes are the hash function.
 */
export class IdTable {
  #count = 0;
  readonly #segments: Uint32Array[] = [];
  readonly #nextInChain: Uint32Array[] = [];
  #firstInChain = new Uint32Array(smallestBucketCount);
  /** The id that is looked for, so that a lookup makes no garbage. */
  readonly #wanted = new Uint32Array(idWords);
  readonly #wantedBytes = new Uint8Array(this.#wanted.buffer);

  get count(): number {
    return this.#count;
  }

  /** Adds an id, whether or not it is there, and gives its index. */
  append(id: string): number {
    this.#want(id);
    const index = this.#count;
    if (index >= this.#firstInChain.length) this.#growBuckets();
    if (index % idsPerSegment === 0) {
      this.#segments.push(new Uint32Array(idsPerSegment * idWords));
      this.#nextInChain.push(new Uint32Array(idsPerSegment));
    }
    segmentOf(this.#segments, index).set(this.#wanted, (index % idsPerSegment) * idWords);
    this.#link(index);
    this.#count += 1;
    return index;
  }

  /** The index of the id's newest copy, or −1. */
  find(id: string): number {
    this.#want(id);
    return this.#search(this.#firstInChain[this.#bucketOf(this.#wanted[0] ?? 0)] ?? none);
  }

  /** The index of the next older copy of the id at `index`, or −1. */
  findNext(index: number): number {
    const at = (index % idsPerSegment) * idWords;
    this.#wanted.set(segmentOf(this.#segments, index).subarray(at, at + idWords));
    return this.#search(this.#next(index));
  }

  /** The id at `index` as hex digits. */
  at(index: number): string {
    invariant(index < this.#count, "an id's index is below the count");
    return new Uint8Array(segmentOf(this.#segments, index).buffer, (index % idsPerSegment) * idBytes, idBytes).toHex();
  }

  #want(id: string): void {
    const { written } = this.#wantedBytes.setFromHex(id);
    invariant(written === idBytes && id.length === 2 * idBytes, "an id has 64 hex digits");
  }

  #search(chain: number): number {
    const wanted = this.#wanted;
    for (let link = chain; link !== none; link = this.#next(link - 1)) {
      const segment = segmentOf(this.#segments, link - 1);
      const at = ((link - 1) % idsPerSegment) * idWords;
      if (
        segment[at] === wanted[0] &&
        segment[at + 1] === wanted[1] &&
        segment[at + 2] === wanted[2] &&
        segment[at + 3] === wanted[3] &&
        segment[at + 4] === wanted[4] &&
        segment[at + 5] === wanted[5] &&
        segment[at + 6] === wanted[6] &&
        segment[at + 7] === wanted[7]
      )
        return link - 1;
    }
    return -1;
  }

  #next(index: number): number {
    return segmentOf(this.#nextInChain, index)[index % idsPerSegment] ?? none;
  }

  #link(index: number): void {
    const firstWord = segmentOf(this.#segments, index)[(index % idsPerSegment) * idWords] ?? 0;
    const bucket = this.#bucketOf(firstWord);
    segmentOf(this.#nextInChain, index)[index % idsPerSegment] = this.#firstInChain[bucket] ?? none;
    this.#firstInChain[bucket] = index + 1;
  }

  #bucketOf(firstWord: number): number {
    // The number of buckets is a power of two.
    return (firstWord & (this.#firstInChain.length - 1)) >>> 0;
  }

  #growBuckets(): void {
    this.#firstInChain = new Uint32Array(this.#firstInChain.length * 2);
    for (let index = 0; index < this.#count; index++) this.#link(index);
  }
}

function segmentOf(segments: readonly Uint32Array[], index: number): Uint32Array {
  const segment = segments[Math.floor(index / idsPerSegment)];
  invariant(segment !== undefined, "every index has its segment");
  return segment;
}
