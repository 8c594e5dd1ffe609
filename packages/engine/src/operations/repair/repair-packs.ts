import { sealBlob } from "../../blob/seal-blob.ts";
import { BlobIndex } from "../../blob-index/blob-index.ts";
import type { Compression } from "../../crypto/primitives.ts";
import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { BlobHandle, BlobLocation } from "../../format/blob.ts";
import { type ObjectId, shortId } from "../../format/ids.ts";
import { objectName } from "../../format/object-name.ts";
import { BlobWriter } from "../../repository/blob-writer.ts";
import { deleteObjects, requireDeletionAllowed } from "../../repository/delete-objects.ts";
import { loadIndex } from "../../repository/load-index.ts";
import { loadPackBlobs } from "../../repository/load-pack-blobs.ts";
import { loadPackHeader } from "../../repository/load-pack-header.ts";
import { exclusiveLock, type LockOptions, type RepositoryLock } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";
import { rewriteIndex } from "../../repository/rewrite-index.ts";

export interface RepairPacksRequest extends Abortable {
  /** Who locks; or an exclusive lock that the caller holds, and goes on holding. */
  readonly lock: LockOptions | RepositoryLock;
  /** Those that are damaged, as `check --read-data` names them. */
  readonly packs: readonly ObjectId[];
  /** Of what has to be sealed anew; other blobs are copied as they are. */
  readonly compression: Compression;
  readonly packSizeBytes?: number | undefined;
  /** Awaited with each pack's bytes before anything is changed: for a copy elsewhere. */
  readonly keepCopy?: ((pack: ObjectId, bytes: Uint8Array) => Promise<void>) | undefined;
  readonly onProblem?: ((problem: { readonly object: string; readonly message: string }) => void) | undefined;
  readonly onProgress?: ((progress: RepairPacksProgress) => void) | undefined;
}

export interface RepairPacksProgress {
  readonly step: "packs" | "index" | "delete";
  readonly done: number;
  readonly total: number | undefined;
}

export interface RepairPacksResult {
  /** In new packs now. */
  readonly salvagedBlobs: number;
  /** Of these no copy could be read: `repairSnapshots` finds what they were part of. */
  readonly lostBlobs: readonly BlobHandle[];
}

/**
 * Saves what can still be read of damaged packs to new ones, takes the damaged ones out of the index, and deletes them (restic manual, "Repairing a repository").
 * It may be stopped anywhere: nothing that can be read is lost. Rejects with `not-found` for a pack that nobody knows, before anything is done.
 */
export async function repairPacks(repository: Repository, request: RepairPacksRequest): Promise<RepairPacksResult> {
  await using lock = await exclusiveLock(repository, request.lock, request);
  const run = { ...request, signal: lock.signal };
  const packs = [...new Set(run.packs)];
  await loadIndex(repository, run);
  const damaged: { pack: ObjectId; blobs: BlobLocation[] }[] = [];
  for (const pack of packs) damaged.push({ pack, blobs: await blobsSaidToBeIn(repository, pack, run) });
  await keepCopies(repository, packs, run);
  await requireDeletionAllowed(repository, { lock, signal: run.signal });

  const result = await salvage(repository, damaged, lock, run);
  await rewriteIndex(repository, {
    lock,
    signal: run.signal,
    drop: new Set(packs),
    onRead: (done, total) => run.onProgress?.({ step: "index", done, total }),
  });
  const onDelete = (done: number, total: number) => run.onProgress?.({ step: "delete", done, total });
  await deleteObjects(repository, "data", packs, { lock, signal: run.signal, onDelete });
  repository.index = new BlobIndex();
  return result;
}

/** By the index, and by the pack's own header if that can be read. */
async function blobsSaidToBeIn(repository: Repository, pack: ObjectId, options: Abortable): Promise<BlobLocation[]> {
  const byPlace = new Map<string, BlobLocation>();
  for (const indexed of repository.index.packs())
    if (indexed.pack === pack)
      for (const blob of indexed.blobs) byPlace.set(`${blob.offset} ${blob.type} ${blob.id}`, { ...blob, pack });
  const isIndexed = byPlace.size > 0;
  try {
    const sizeBytes = await repository.store.size(objectName("data", pack), options);
    for (const blob of await loadPackHeader(repository, pack, sizeBytes, options))
      byPlace.set(`${blob.offset} ${blob.type} ${blob.id}`, { ...blob, pack });
  } catch (error) {
    if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
    if (error.code === "not-found" && !isIndexed)
      throw new EngineError("not-found", `There is no pack ${pack} in the repository`, {
        cause: error,
        hint: "`check --read-data` names the packs that are damaged.",
      });
  }
  return [...byPlace.values()];
}

async function keepCopies(
  { store }: Repository,
  packs: readonly ObjectId[],
  { keepCopy, signal }: RepairPacksRequest,
): Promise<void> {
  if (!keepCopy) return;
  for (const pack of packs) {
    try {
      await keepCopy(pack, await store.get(objectName("data", pack), { signal }));
    } catch (error) {
      // Gone altogether: there is nothing to copy.
      if (!isEngineError(error, "not-found")) throw error;
    }
  }
}

async function salvage(
  repository: Repository,
  damaged: readonly { pack: ObjectId; blobs: readonly BlobLocation[] }[],
  lock: RepositoryLock,
  run: RepairPacksRequest,
): Promise<RepairPacksResult> {
  const { compute, masterKey, config } = repository;
  const compression = config.version === 1 ? "off" : run.compression;
  await using writer = new BlobWriter(repository, { lock, compression, packSizeBytes: run.packSizeBytes });
  const saved = new Set<string>();
  const lost = new Map<string, BlobHandle>();
  let done = 0;
  for (const { pack, blobs } of damaged) {
    for await (const loaded of loadPackBlobs(repository, pack, blobs, run)) {
      const { location } = loaded;
      const { type, id, uncompressedLength } = location;
      const name = `${type}/${id}`;
      if (saved.has(name)) continue;
      if ("error" in loaded) {
        lost.set(name, { type, id });
        run.onProblem?.({
          object: `data/${pack}`,
          message: `${type} blob ${shortId(id)} is lost: ${loaded.error.message}`,
        });
        continue;
      }
      const sealed = loaded.sealed
        ? { sealed: loaded.sealed, uncompressedLength }
        : sealBlob(compute.primitives, masterKey, loaded.plain, compression);
      await writer.saveSealed(location, sealed);
      saved.add(name);
      lost.delete(name);
    }
    done += 1;
    run.onProgress?.({ step: "packs", done, total: damaged.length });
  }
  await writer.flush();
  return { salvagedBlobs: saved.size, lostBlobs: [...lost.values()] };
}
