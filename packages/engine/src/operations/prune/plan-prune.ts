import { EngineError } from "../../errors/engine-error.ts";
import type { ObjectId } from "../../format/ids.ts";
import { shortId } from "../../format/ids.ts";
import type { BlobTotals, PackUse } from "./pack-use.ts";
import type { MaxUnused, PruneRequest, PruneStats } from "./prune-request.ts";

/** What prune does to each pack that it does not keep. */
export interface PrunePlan {
  /** No index names them. */
  readonly unreferenced: readonly ObjectId[];
  readonly repack: readonly PackUse[];
  /** Nothing in them is used. */
  readonly remove: readonly ObjectId[];
  /** An index names them, but they are not there, and nothing in them is used. */
  readonly missing: readonly ObjectId[];
  readonly stats: Omit<PruneStats, "snapshots">;
}

export type PlanSettings = Pick<
  PruneRequest,
  "maxUnused" | "maxRepackBytes" | "smallPackBytes" | "repackCacheableOnly" | "repackUncompressed"
> & { readonly version: 1 | 2 };

/** By default as much may stay unused. Restic's own figure. */
const defaultMaxUnused: MaxUnused = { kind: "percent", percent: 5 };
/** Fewer small packs stay: otherwise the last one, which is rarely full, would be repacked every time. Restic's own figure. */
const smallPacksMin = 10;

/**
 * Decides about every pack as restic does (its `internal/repository/prune.go`): what is not used goes, what is used only in part or too small is repacked as
 * long as the limits allow. `stored` is what the store has. Throws `corrupt-data` for a needed pack that is missing or has another size than its index says.
 */
export function planPrune(
  packs: readonly PackUse[],
  totals: BlobTotals,
  stored: ReadonlyMap<ObjectId, number>,
  settings: PlanSettings,
): PrunePlan {
  requireSound(packs, stored);
  const indexed = new Set(packs.map(({ id }) => id));
  const unreferenced = [...stored.keys()].filter((id) => !indexed.has(id));
  const present = packs.filter(({ id }) => stored.has(id));
  const unused = packs.filter(({ usedBlobs }) => usedBlobs === 0);
  const removed = { blobs: sum(unused, (pack) => pack.unusedBlobs), bytes: sum(unused, (pack) => pack.unusedBytes) };

  const smallBytes = settings.smallPackBytes ?? defaultSmallPackBytes([...stored.values()]);
  const used = present.filter(({ usedBlobs }) => usedBlobs > 0);
  const unusedNow = totals.bytes.duplicate + totals.bytes.unused - removed.bytes;
  const repack = chooseRepacks(used, { ...settings, smallBytes, unusedNow, usedBytes: totals.bytes.used });

  const remove = unused.filter(({ id }) => stored.has(id)).map(({ id }) => id);
  const raw = present.filter(({ hasRaw }) => hasRaw && settings.version === 2);
  return {
    unreferenced,
    repack,
    remove,
    missing: unused.filter(({ id }) => !stored.has(id)).map(({ id }) => id),
    stats: {
      blobs: {
        ...totals.blobs,
        remove: removed.blobs,
        repack: sum(repack, (pack) => pack.usedBlobs + pack.unusedBlobs),
        repackRemove: sum(repack, (pack) => pack.unusedBlobs),
      },
      bytes: {
        ...totals.bytes,
        remove: removed.bytes,
        repack: sum(repack, sizeOf),
        repackRemove: sum(repack, (pack) => pack.unusedBytes),
        unreferenced: sum(unreferenced, (id) => stored.get(id) ?? 0),
        uncompressed: sum(raw, sizeOf) - sum(repack, (pack) => (raw.includes(pack) ? sizeOf(pack) : 0)),
      },
      packs: {
        used: used.filter(({ unusedBlobs }) => unusedBlobs === 0).length,
        partlyUsed: used.filter(({ unusedBlobs }) => unusedBlobs > 0).length,
        unused: remove.length,
        unreferenced: unreferenced.length,
        keep: used.length - repack.length,
        repack: repack.length,
        remove: remove.length,
      },
    },
  };
}

/** A pack that is not needed may be as it likes: it goes. */
function requireSound(packs: readonly PackUse[], stored: ReadonlyMap<ObjectId, number>): void {
  const hint = "Run `repair index`, and then `check` to see what is damaged.";
  const needed = packs.filter(({ usedBlobs }) => usedBlobs > 0);
  const missing = needed.filter(({ id }) => !stored.has(id));
  const [firstMissing] = missing;
  if (firstMissing)
    throw new EngineError(
      "corrupt-data",
      `${missing.length} packs that snapshots need are missing, such as data/${firstMissing.id}. Nothing was changed`,
      { hint },
    );
  for (const pack of needed) {
    const sizeBytes = stored.get(pack.id);
    if (sizeBytes === sizeOf(pack)) continue;
    throw new EngineError(
      "corrupt-data",
      `The pack ${shortId(pack.id)} has ${sizeBytes} bytes, but by the index it must have ${sizeOf(pack)}. Nothing was changed`,
      { hint },
    );
  }
}

interface RepackLimits extends PlanSettings {
  readonly smallBytes: number;
  /** Before anything is repacked. */
  readonly unusedNow: number;
  readonly usedBytes: number;
}

function chooseRepacks(packs: readonly PackUse[], limits: RepackLimits): PackUse[] {
  const { maxRepackBytes = Infinity, smallBytes } = limits;
  const maxUnusedBytes = bytesOf(limits.maxUnused ?? defaultMaxUnused, limits.usedBytes);
  const chosen: PackUse[] = [];
  let unusedBytes = limits.unusedNow;
  let repackBytes = 0;
  for (const pack of candidatesOf(packs, limits)) {
    if (repackBytes + sizeOf(pack) >= maxRepackBytes) continue;
    const isWorthIt = pack.type !== "data" || mustCompress(pack, limits) || sizeOf(pack) < smallBytes;
    if (!isWorthIt && unusedBytes < maxUnusedBytes) continue;
    chosen.push(pack);
    unusedBytes -= pack.unusedBytes;
    repackBytes += sizeOf(pack);
  }
  return chosen;
}

/** What might be repacked: trees first, then small packs, then those that gain most. */
function candidatesOf(packs: readonly PackUse[], limits: RepackLimits): PackUse[] {
  const mayChange = packs.filter(({ type }) => !(limits.repackCacheableOnly && type === "data"));
  const isAsItShouldBe = (pack: PackUse) =>
    pack.unusedBlobs === 0 && pack.type !== "mixed" && !mustCompress(pack, limits);
  const small = mayChange.filter((pack) => isAsItShouldBe(pack) && sizeOf(pack) < limits.smallBytes);
  const candidates = mayChange.filter((pack) => !isAsItShouldBe(pack));
  if (small.length >= smallPacksMin) candidates.push(...small);
  const groupOf = (pack: PackUse) => (pack.type !== "data" ? 0 : sizeOf(pack) < limits.smallBytes ? 1 : 2);
  return candidates.sort(
    // The share of unused bytes, without dividing by what may be nothing.
    (a, b) => groupOf(a) - groupOf(b) || b.unusedBytes * a.usedBytes - a.unusedBytes * b.usedBytes,
  );
}

function mustCompress({ hasRaw, type }: PackUse, { version, repackUncompressed }: PlanSettings): boolean {
  return version === 2 && hasRaw && (type === "tree" || repackUncompressed === true);
}

/** Restic's own rule: four fifths of the size that 3 % of all packs are below, and of 4 MiB if that is more. */
function defaultSmallPackBytes(sizes: readonly number[]): number {
  const sorted = Float64Array.from(sizes).sort();
  const low = sorted[Math.floor((sorted.length * 3) / 100)] ?? 0;
  return Math.floor(0.8 * Math.max(4 * 1024 * 1024, low));
}

function bytesOf(max: MaxUnused, usedBytes: number): number {
  switch (max.kind) {
    case "unlimited":
      return Infinity;
    case "bytes":
      return max.bytes;
    case "percent":
      return Math.floor((max.percent / (100 - max.percent)) * usedBytes);
  }
}

/** Of the whole pack. */
function sizeOf({ usedBytes, unusedBytes }: PackUse): number {
  return usedBytes + unusedBytes;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
