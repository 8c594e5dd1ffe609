import type { MasterKey } from "../crypto/master-key.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { ciphertextOffset, open, sealInto, sealOverheadBytes } from "../crypto/seal.ts";
import { isEngineError } from "../errors/engine-error.ts";
import type { ObjectId } from "../format/ids.ts";
import {
  blobRowWords,
  dataCountAt,
  idWords,
  type FilledIndexRows,
  packRowWords,
  treeCountAt,
} from "../format/index-rows.ts";

/**
 * The plaintext is words in the order of this machine: this mark, the id of the index file, how many packs and blobs there are, the rows of
 * the packs, the rows of the blobs. The mark is another where the order of bytes or the form of the rows is another. Its first byte begins
 * no file of a repository, so neither can be passed off as the other.
 */
const mark = 0x534f_4931;
const idAt = 1;
const packCountAt = idAt + idWords;
const blobCountAt = packCountAt + 1;
const headWords = blobCountAt + 1;

/** Seals the rows of index file `id` with the repository's key, so that a changed byte is noticed, for `openIndexRows`. */
export function sealIndexRows(primitives: Primitives, key: MasterKey, id: ObjectId, rows: FilledIndexRows): Uint8Array {
  const wordCount = headWords + rows.packs.length + rows.blobs.length;
  const sealed = new Uint8Array(wordCount * 4 + sealOverheadBytes);
  // Filled where it will be encrypted: the rows are copied once.
  const words = new Uint32Array(sealed.buffer, ciphertextOffset, wordCount);
  words[0] = mark;
  words.set(wordsOf(id), idAt);
  words[packCountAt] = rows.packCount;
  words[blobCountAt] = rows.blobs.length / blobRowWords;
  words.set(rows.packs, headWords);
  words.set(rows.blobs, headWords + rows.packs.length);
  sealInto(primitives, key, new Uint8Array(sealed.buffer, ciphertextOffset, wordCount * 4), sealed);
  return sealed;
}

/** The rows that were sealed for index file `id`; undefined for anything else, damaged or of another version. */
export function openIndexRows(
  primitives: Primitives,
  key: MasterKey,
  id: ObjectId,
  sealed: Uint8Array,
): FilledIndexRows | undefined {
  let plain: Uint8Array;
  try {
    plain = open(primitives, key, sealed);
  } catch (error) {
    if (isEngineError(error, "corrupt-data")) return undefined;
    throw error;
  }
  if (plain.length < headWords * 4 || plain.length % 4 !== 0) return undefined;
  const aligned = plain.byteOffset % 4 === 0 ? plain : plain.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  if (words[0] !== mark || !wordsOf(id).every((word, n) => words[idAt + n] === word)) return undefined;

  const packCount = words[packCountAt] ?? 0;
  const blobCount = words[blobCountAt] ?? 0;
  const blobsAt = headWords + packCount * packRowWords;
  if (words.length !== blobsAt + blobCount * blobRowWords) return undefined;
  const packs = words.subarray(headWords, blobsAt);
  return countBlobs(packs, packCount) === blobCount ? { packs, blobs: words.subarray(blobsAt), packCount } : undefined;
}

function countBlobs(packs: Uint32Array, packCount: number): number {
  let count = 0;
  for (let at = 0; at < packCount * packRowWords; at += packRowWords)
    count += (packs[at + dataCountAt] ?? 0) + (packs[at + treeCountAt] ?? 0);
  return count;
}

function wordsOf(id: ObjectId): Uint32Array {
  const words = new Uint32Array(idWords);
  new Uint8Array(words.buffer).setFromHex(id);
  return words;
}
