import { BlobIndex } from "../../blob-index/blob-index.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { mapConcurrent } from "../../flow/map-concurrent.ts";
import { IndexRows } from "../../format/index-rows.ts";
import type { ObjectId } from "../../format/ids.ts";
import { objectName } from "../../format/object-name.ts";
import { loadIndexRows } from "../../repository/load-index-rows.ts";
import { loadPackHeader } from "../../repository/load-pack-header.ts";
import { exclusiveLock, type LockOptions, type RepositoryLock } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";
import { rewriteIndex } from "../../repository/rewrite-index.ts";

export interface RepairIndexRequest extends Abortable {
  /** Who locks; or an exclusive lock that the caller holds, and goes on holding. */
  readonly lock: LockOptions | RepositoryLock;
  /** Believe no index file: ask every pack what is in it. */
  readonly readAllPacks?: boolean | undefined;
  readonly onProblem?: ((problem: { readonly object: string; readonly message: string }) => void) | undefined;
  readonly onProgress?: ((progress: RepairIndexProgress) => void) | undefined;
}

export interface RepairIndexProgress {
  readonly step: "indexes" | "packs" | "headers" | "write" | "obsolete-indexes";
  readonly done: number;
  readonly total: number | undefined;
}

export interface RepairIndexResult {
  /** Index files that could not be read, and are gone. */
  readonly unreadableIndexes: readonly ObjectId[];
  /** No index named them, or one that said something else than they do. */
  readonly packsRead: readonly ObjectId[];
  /** Of those, packs whose own header is damaged: no index names them any more. */
  readonly unreadablePacks: readonly ObjectId[];
  /** Named by an index, but not there. */
  readonly missingPacks: readonly ObjectId[];
  /** False: the index was right, and nothing was written. */
  readonly isChanged: boolean;
}

/** Headers are small: their cost is the round trip. */
const packHeadersAtOnce = 8;

/**
 * Makes the index say again what is in the packs that are there (restic manual, "Repairing a repository"). Data is neither written nor deleted: a pack that is
 * left out by mistake comes back the next time. The new index files are durable before the old ones go.
 */
export async function repairIndex(repository: Repository, request: RepairIndexRequest): Promise<RepairIndexResult> {
  await using lock = await exclusiveLock(repository, request.lock, request);
  const run = { ...request, signal: lock.signal };
  const { index, obsolete } = await readIndexes(repository, run);
  const stored = await listPacks(repository, index, run);

  const missingPacks = await findMissing(repository, index, stored, run);
  const conflicting = new Set(index.conflictingPacks());
  const right = new Set<ObjectId>();
  for (const { pack, sizeBytes } of index.packs())
    if (stored.get(pack) === sizeBytes && !conflicting.has(pack)) right.add(pack);
  const packsRead = [...stored.keys()].filter((pack) => !right.has(pack));
  const { rows, unreadablePacks } = await readHeaders(repository, packsRead, stored, run);

  const result = { unreadableIndexes: run.readAllPacks ? [] : [...obsolete], packsRead, unreadablePacks, missingPacks };
  const drop = new Set([...missingPacks, ...packsRead]);
  const isChanged = drop.size > 0 || obsolete.size > 0 || index.hasRepeatedPacks;
  if (isChanged)
    await rewriteIndex(repository, {
      lock,
      signal: run.signal,
      drop,
      unreadable: obsolete,
      add: rows,
      onRead: (done, total) => run.onProgress?.({ step: "write", done, total }),
      onDelete: (done, total) => run.onProgress?.({ step: "obsolete-indexes", done, total }),
    });
  repository.index = new BlobIndex();
  return { ...result, isChanged };
}

/** What the index files say together, and those that are to go because they can't be read, or because none is believed. */
async function readIndexes(
  repository: Repository,
  run: RepairIndexRequest,
): Promise<{ index: BlobIndex; obsolete: Set<ObjectId> }> {
  const index = new BlobIndex();
  const obsolete = new Set<ObjectId>();
  let done = 0;
  for await (const file of repository.store.list("index", run)) {
    try {
      if (run.readAllPacks) obsolete.add(file.id);
      else index.addRows(await loadIndexRows(repository, file, run));
    } catch (error) {
      if (!isEngineError(error, "corrupt-data")) throw error;
      run.onProblem?.({ object: `index/${file.id}`, message: error.message });
      obsolete.add(file.id);
    }
    done += 1;
    run.onProgress?.({ step: "indexes", done, total: undefined });
  }
  return { index, obsolete };
}

async function listPacks(
  { store }: Repository,
  index: BlobIndex,
  run: RepairIndexRequest,
): Promise<Map<ObjectId, number>> {
  const stored = new Map<ObjectId, number>();
  for await (const { id, sizeBytes } of store.list("data", run)) {
    stored.set(id, sizeBytes);
    run.onProgress?.({ step: "packs", done: stored.size, total: index.packCount || undefined });
  }
  return stored;
}

/** A listing may leave something out: whether a pack is gone is asked by its name. Those that are there after all are added to `stored`. */
async function findMissing(
  { store }: Repository,
  index: BlobIndex,
  stored: Map<ObjectId, number>,
  run: RepairIndexRequest,
): Promise<ObjectId[]> {
  const unlisted = new Set<ObjectId>();
  for (const { pack } of index.packs()) if (!stored.has(pack)) unlisted.add(pack);
  const ask = async (pack: ObjectId) => {
    try {
      return { pack, sizeBytes: await store.size(objectName("data", pack), run) };
    } catch (error) {
      if (!isEngineError(error, "not-found")) throw error;
      return { pack, sizeBytes: undefined };
    }
  };
  const missing: ObjectId[] = [];
  for await (const { pack, sizeBytes } of mapConcurrent(unlisted, packHeadersAtOnce, ask)) {
    if (sizeBytes !== undefined) stored.set(pack, sizeBytes);
    else {
      missing.push(pack);
      run.onProblem?.({ object: `data/${pack}`, message: "the pack is missing; the index names it no longer" });
    }
  }
  return missing;
}

async function readHeaders(
  repository: Repository,
  packs: readonly ObjectId[],
  stored: ReadonlyMap<ObjectId, number>,
  run: RepairIndexRequest,
): Promise<{ rows: IndexRows; unreadablePacks: ObjectId[] }> {
  const rows = new IndexRows();
  const unreadablePacks: ObjectId[] = [];
  const read = async (pack: ObjectId) => {
    try {
      return { pack, blobs: await loadPackHeader(repository, pack, stored.get(pack) ?? 0, run) };
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      return { pack, error };
    }
  };
  let done = 0;
  for await (const { pack, blobs, error } of mapConcurrent(packs, packHeadersAtOnce, read)) {
    if (blobs) rows.addPack(pack, blobs);
    else {
      unreadablePacks.push(pack);
      run.onProblem?.({ object: `data/${pack}`, message: `the pack can't say what is in it: ${error.message}` });
    }
    done += 1;
    run.onProgress?.({ step: "headers", done, total: packs.length });
  }
  return { rows, unreadablePacks };
}
