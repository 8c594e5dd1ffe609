import type { Compression } from "../../crypto/primitives.ts";
import { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { LockOptions, RepositoryLock } from "../../repository/locks.ts";

/** How much unused data may stay, since removing it costs repacking: anything, so many bytes, or a share of all that stays. */
export type MaxUnused =
  | { readonly kind: "unlimited" }
  | { readonly kind: "bytes"; readonly bytes: number }
  | { readonly kind: "percent"; readonly percent: number };

export interface PruneRequest extends Abortable {
  /** Who locks; or an exclusive lock that the caller holds, and goes on holding. */
  readonly lock: LockOptions | RepositoryLock;
  /** 5 % unless told, as with restic. */
  readonly maxUnused?: MaxUnused | undefined;
  /** Repack less than this many bytes, header and all. */
  readonly maxRepackBytes?: number | undefined;
  /** Packs below this size are repacked, if there are ten or more; unless told, below 3.2 MiB, or more where nearly all packs are large. */
  readonly smallPackBytes?: number | undefined;
  /** Packs of data stay as they are, unless nothing in them is used: repacking trees needs no download where they are cached. */
  readonly repackCacheableOnly?: boolean | undefined;
  /** Repack data that is not compressed. Trees that are not compressed always are. */
  readonly repackUncompressed?: boolean | undefined;
  /** Plan and count, but change nothing. */
  readonly dryRun?: boolean | undefined;
  /** Of what is compressed anew; other blobs are copied as they are. */
  readonly compression: Compression;
  readonly packSizeBytes?: number | undefined;
  /** As if these snapshots were gone: only for a dry run, which can't have removed them. */
  readonly ignoreSnapshots?: ReadonlySet<ObjectId> | undefined;
  /**
   * A repository without any snapshot loses all its data. Unless this says that it is meant, prune refuses: a listing that came back empty by mistake looks
   * the same.
   */
  readonly allowNoSnapshots?: boolean | undefined;
  /** What is about to be done, once that is known. */
  readonly onPlan?: ((planned: PruneResult) => void | Promise<void>) | undefined;
  readonly onProgress?: ((progress: PruneProgress) => void) | undefined;
}

export interface PruneProgress {
  readonly step: "snapshots" | "packs" | "unreferenced" | "repack" | "index" | "obsolete-indexes" | "delete";
  readonly done: number;
  readonly total: number | undefined;
}

export interface PruneResult {
  readonly stats: PruneStats;
  /** No index names them: left by a run that was stopped. */
  readonly unreferencedPacks: readonly ObjectId[];
  readonly repackedPacks: readonly ObjectId[];
  /** Nothing in them is used. */
  readonly removedPacks: readonly ObjectId[];
}

/** Bytes are those of the sealed blobs unless said otherwise; restic counts the same. */
export interface PruneStats {
  readonly snapshots: number;
  readonly blobs: BlobCounts;
  readonly bytes: BlobCounts & {
    /** Of packs that no index names, whole. */
    readonly unreferenced: number;
    /** Of packs with blobs that are not compressed, whole; what is repacked is not counted. */
    readonly uncompressed: number;
  };
  readonly packs: {
    readonly used: number;
    readonly partlyUsed: number;
    readonly unused: number;
    readonly unreferenced: number;
    readonly keep: number;
    readonly repack: number;
    readonly remove: number;
  };
}

interface BlobCounts {
  /** Each used blob once. */
  readonly used: number;
  /** Further copies of used blobs. */
  readonly duplicate: number;
  readonly unused: number;
  /** Go with their packs. */
  readonly remove: number;
  /** In packs that are repacked; their bytes with the packs' headers. */
  readonly repack: number;
  /** Of those, what is left out of the new packs. */
  readonly repackRemove: number;
}

/** Understands restic's `--max-unused`: `5%`, a size such as `500M`, or `unlimited`. */
export function parseMaxUnused(text: string): MaxUnused {
  const trimmed = text.trim();
  if (trimmed === "unlimited") return { kind: "unlimited" };
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(trimmed)?.[1] ?? Number.NaN);
  if (percent < 100) return { kind: "percent", percent };
  const [, digits, unit = ""] = /^(\d+)([bkmgt]?)$/i.exec(trimmed) ?? [];
  const bytes = Number(digits) * (unitBytes[unit.toLowerCase()] ?? Number.NaN);
  if (Number.isSafeInteger(bytes)) return { kind: "bytes", bytes };
  throw new EngineError("invalid-input", `Not an amount of unused data: ${JSON.stringify(text)}`, {
    hint: "Give a percentage below 100 such as 5%, a size such as 500M, or unlimited.",
  });
}

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};
