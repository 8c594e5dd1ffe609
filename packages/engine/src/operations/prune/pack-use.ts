import type { BlobIndex } from "../../blob-index/blob-index.ts";
import type { BlobType } from "../../format/blob.ts";
import type { ObjectId } from "../../format/ids.ts";

/** How much of a pack is used. */
export interface PackUse {
  /** In the index. */
  readonly row: number;
  readonly id: ObjectId;
  readonly type: BlobType | "mixed";
  /** Whether any of its blobs is not compressed. */
  readonly hasRaw: boolean;
  usedBlobs: number;
  unusedBlobs: number;
  /** Of those that count as unused at first: blobs of which there are more copies. */
  readonly duplicateBlobs: number;
  /** With the header: a pack that is kept keeps it. */
  usedBytes: number;
  unusedBytes: number;
}

/** What all packs hold together. Bytes of sealed blobs. */
export interface BlobTotals {
  readonly blobs: { used: number; duplicate: number; unused: number };
  readonly bytes: { used: number; duplicate: number; unused: number };
}

/** A blob is counted up to here: more copies make the choice among them less good, and nothing else. */
const copiesCountedMax = 255;

/**
 * Counts what is used of each pack. `used` has 1 at the row of each used blob's first copy, `firstCopies` is the index's own.
 *
 * Of a used blob with several copies one counts as used, the others as unused: the first that lies in a pack which stays anyhow, one with other used blobs or
 * one with nothing but such copies, as a prune that was stopped while repacking leaves them (so its work is not done twice). Else the last.
 */
export function countPackUse(
  index: BlobIndex,
  used: Uint8Array,
  firstCopies: Uint32Array,
): { packs: PackUse[]; totals: BlobTotals } {
  const copies = new Uint8Array(used.length);
  for (const blob of firstCopies)
    if (used[blob] === 1) copies[blob] = Math.min((copies[blob] ?? 0) + 1, copiesCountedMax);
  const totals: BlobTotals = {
    blobs: { used: 0, duplicate: 0, unused: 0 },
    bytes: { used: 0, duplicate: 0, unused: 0 },
  };
  const packs: PackUse[] = [];
  for (let row = 0; row < index.packRowCount; row++) packs.push(countPack(index, row, copies, firstCopies, totals));
  if (totals.blobs.duplicate > 0) for (const pack of packs) chooseCopies(pack);
  return { packs, totals };

  function chooseCopies(pack: PackUse): void {
    if (pack.duplicateBlobs === 0) return;
    const { first, end } = index.blobRowsOf(pack.row);
    for (let row = first; row < end; row++) {
      const blob = firstCopies[row] ?? 0;
      const left = copies[blob] ?? 0;
      if (used[blob] !== 1 || left === chosen) continue;
      if (pack.usedBlobs === 0 && pack.duplicateBlobs !== pack.unusedBlobs && left !== onlyLastLeft)
        copies[blob] = left - 1 === chosen ? onlyLastLeft : left - 1;
      else {
        choose(pack, index.lengthOf(row));
        copies[blob] = chosen;
      }
    }
  }

  function choose(pack: PackUse, lengthBytes: number): void {
    pack.usedBlobs += 1;
    pack.unusedBlobs -= 1;
    pack.usedBytes += lengthBytes;
    pack.unusedBytes -= lengthBytes;
    totals.blobs.used += 1;
    totals.blobs.duplicate -= 1;
    totals.bytes.used += lengthBytes;
    totals.bytes.duplicate -= lengthBytes;
  }
}

/** The number of copies of which the choice is made: blobs with one copy have it from the beginning. */
const chosen = 1;
/** All copies but the last were passed over. */
const onlyLastLeft = 0;

function countPack(
  index: BlobIndex,
  packRow: number,
  copies: Uint8Array,
  firstCopies: Uint32Array,
  totals: BlobTotals,
): PackUse {
  const { first, firstTree, end } = index.blobRowsOf(packRow);
  const count = { used: 0, duplicate: 0, unused: 0 };
  const bytes = { used: 0, duplicate: 0, unused: 0 };
  let hasRaw = false;
  for (let row = first; row < end; row++) {
    const copyCount = copies[firstCopies[row] ?? 0] ?? 0;
    const use = copyCount === 0 ? "unused" : copyCount === 1 ? "used" : "duplicate";
    count[use] += 1;
    bytes[use] += index.lengthOf(row);
    hasRaw ||= index.isRaw(row);
  }
  for (const use of ["used", "duplicate", "unused"] as const) {
    totals.blobs[use] += count[use];
    totals.bytes[use] += bytes[use];
  }
  return {
    row: packRow,
    id: index.packIdOf(packRow),
    type: firstTree === end ? "data" : firstTree === first ? "tree" : "mixed",
    hasRaw,
    usedBlobs: count.used,
    unusedBlobs: count.unused + count.duplicate,
    duplicateBlobs: count.duplicate,
    usedBytes: bytes.used + index.headerBytesOf(packRow),
    unusedBytes: bytes.unused + bytes.duplicate,
  };
}
