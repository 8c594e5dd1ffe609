/*
 * The search for the end of a chunk; its twin in TypeScript is src/chunk/cut-finder.ts. Each fingerprint waits for the one before, so four
 * stretches of the data, one behind the other, are searched in turn: three times as fast as one stretch.
 */

/** Two tables of 256 u64, which the caller fills: `rabinTables` in src/chunk/rabin.ts says with what. */
export const reduceTop: usize = memory.data(2048);
export const dropOld: usize = memory.data(2048);

/** The fingerprint covers so many bytes. */
const windowBytes: usize = 64;
/** A fingerprint has 53 bits: above these are its top eight. */
const bitsBelowTop: u64 = 45;

/**
 * Where the second stretch begins, and so how long each is: long against the 64 bytes that each has to take in first, short because a hit has
 * all four searched again for an earlier one.
 */
const second: usize = 4096;
const third: usize = 2 * second;
const fourth: usize = 3 * second;
const stretchesBytes: usize = 4 * second;

/** The first of the addresses `first`…`last` before which the fingerprint has no bit of `splitMask`, or 0. 64 bytes lie before `first`. */
export function firstCut(first: usize, last: usize, splitMask: u32): usize {
  let at = first;
  while (at + stretchesBytes <= last && !hasCutInFourStretches(at, splitMask)) at += stretchesBytes;
  return firstCutInOneStretch(at, last, splitMask);
}

function hasCutInFourStretches(first: usize, splitMask: u32): bool {
  let at = first - windowBytes;
  let d0: u64 = 0;
  let d1: u64 = 0;
  let d2: u64 = 0;
  let d3: u64 = 0;
  // Filling the windows: nothing leaves them yet.
  for (; at < first; at++) {
    d0 = append(d0, load<u8>(at));
    d1 = append(d1, load<u8>(at, second));
    d2 = append(d2, load<u8>(at, third));
    d3 = append(d3, load<u8>(at, fourth));
  }
  // From here on `at` is at the byte that leaves the first window. Offsets that are constants cost nothing.
  at = first - windowBytes;
  for (const end = at + second; at < end; at++) {
    if (!(<u32>d0 & splitMask)) return true;
    if (!(<u32>d1 & splitMask)) return true;
    if (!(<u32>d2 & splitMask)) return true;
    if (!(<u32>d3 & splitMask)) return true;
    d0 = append(d0, load<u8>(at, windowBytes)) ^ leaving(load<u8>(at));
    d1 = append(d1, load<u8>(at, windowBytes + second)) ^ leaving(load<u8>(at, second));
    d2 = append(d2, load<u8>(at, windowBytes + third)) ^ leaving(load<u8>(at, third));
    d3 = append(d3, load<u8>(at, windowBytes + fourth)) ^ leaving(load<u8>(at, fourth));
  }
  return false;
}

function firstCutInOneStretch(first: usize, last: usize, splitMask: u32): usize {
  let at = first - windowBytes;
  let d: u64 = 0;
  for (; at < first; at++) d = append(d, load<u8>(at));
  for (; <u32>d & splitMask; at++) {
    if (at == last) return 0;
    d = append(d, load<u8>(at)) ^ leaving(load<u8>(at - windowBytes));
  }
  return at;
}

function append(fingerprint: u64, byte: u64): u64 {
  return ((fingerprint << 8) | byte) ^ load<u64>((<usize>(fingerprint >> bitsBelowTop)) << 3, reduceTop);
}

/** What a byte that is 64 bytes old adds to a fingerprint. */
function leaving(byte: usize): u64 {
  return load<u64>(byte << 3, dropOld);
}
