import { EngineError } from "../errors/engine-error.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { changeSnapshot } from "../format/change-snapshot.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { BlobWriter } from "../repository/blob-writer.ts";
import { loadIndex } from "../repository/load-index.ts";
import { lockRepository, type RepositoryLock } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshots, snapshotsAtOnce } from "../repository/snapshots.ts";
import { loadUnpacked, saveUnpacked } from "../repository/unpacked-files.ts";
import { defaultPackSizeBytes } from "../pack/pack-builder.ts";
import { copyBlobs, type LostBlob } from "./copy/copy-blobs.ts";
import type { CopyProgress, CopyRequest, CopyResult } from "./copy/copy-request.ts";
import { EqualCopies, originOf } from "./copy/equal-copies.ts";
import { MissingBlobs } from "./copy/missing-blobs.ts";
import { whoNeeds } from "./copy/who-needs.ts";
import { rootTree } from "./list-files.ts";

/**
 * Snapshots are finished together once so many packs of blobs are to be copied for them: each batch ends with packs that are not full (restic waits for
 * as many).
 */
const batchPacks = 100;

/**
 * Copies snapshots into another repository: the blobs that it lacks, tree blobs byte for byte, then an index that names them, then the snapshots, with
 * `original` telling where each comes from. What the destination has already is neither read nor sent. A run that stops anywhere leaves both repositories
 * sound, and the next one goes on from there.
 *
 * Rejects with `corrupt-data` or `not-found` for a snapshot of which something is lost, and names it; those finished before stay copied.
 */
export async function copy(source: Repository, destination: Repository, request: CopyRequest): Promise<CopyResult> {
  await using sourceLock = await lockRepository(source, {
    ...request.sourceLock,
    exclusive: false,
    signal: request.signal,
  });
  await using lock = await lockRepository(destination, {
    ...request.lock,
    exclusive: false,
    signal: sourceLock.signal,
  });
  const { signal } = lock;

  const chosen = await request.chooseSnapshots(source, { signal });
  const copies = new EqualCopies(
    await loadSnapshots(destination, { signal, onUnreadable: request.onUnreadable ?? (() => undefined) }),
  );
  await loadIndex(source, { signal });
  await loadIndex(destination, { signal });

  await using writer = new BlobWriter(destination, { ...request, lock });
  const run = new CopyRun({ source, destination, writer, lock, copies, request, total: chosen.length });
  for (const snapshot of chosen) await run.add(snapshot);
  await run.finishBatch();
  return run.result();
}

interface CopyParts {
  readonly source: Repository;
  readonly destination: Repository;
  readonly writer: BlobWriter;
  readonly lock: RepositoryLock;
  readonly copies: EqualCopies;
  readonly request: CopyRequest;
  /** Snapshots that were chosen. */
  readonly total: number;
}

/** Gathers snapshots into batches and finishes them. */
class CopyRun {
  readonly #parts: CopyParts;
  readonly #missing: MissingBlobs;
  readonly #batchBytes: number;
  #batch: StoredSnapshot[] = [];
  #copied = 0;
  #skipped = 0;
  #blobsDone = 0;
  #bytesDone = 0;
  #bytesAdded = 0;
  #blobsTotal = 0;
  #bytesTotal = 0;

  constructor(parts: CopyParts) {
    this.#parts = parts;
    this.#missing = new MissingBlobs(parts.source, parts.destination);
    this.#batchBytes = batchPacks * (parts.request.packSizeBytes ?? defaultPackSizeBytes);
  }

  async add(snapshot: StoredSnapshot): Promise<void> {
    const { copies, request } = this.#parts;
    const known = copies.find(snapshot);
    if (known) {
      this.#skipped += 1;
      request.onSnapshot?.({ source: snapshot, copyId: known.id, isNew: false });
      return;
    }
    this.#batch.push(snapshot);
    await this.#failIfLost(await this.#missing.addTree(rootTree(snapshot), this.#parts.lock));
    this.#report();
    if (this.#missing.bytes >= this.#batchBytes) await this.finishBatch();
  }

  async finishBatch(): Promise<void> {
    const { source, destination, writer, lock } = this.#parts;
    this.#blobsTotal += this.#missing.count;
    this.#bytesTotal += this.#missing.bytes;
    const packs = this.#missing.takePacks();
    const copying = { source, destination, writer, signal: lock.signal, onCopied: this.#countBlob };
    await this.#failIfLost(await copyBlobs(packs, copying));
    await writer.flush();
    const save = async (snapshot: StoredSnapshot) => await this.#saveSnapshot(snapshot);
    for await (const _saved of mapConcurrent(this.#batch, snapshotsAtOnce, save)) this.#report();
    this.#batch = [];
  }

  async #saveSnapshot(snapshot: StoredSnapshot): Promise<void> {
    const { source, destination, lock, request } = this.#parts;
    const { signal } = lock;
    const json = await loadUnpacked(source, "snapshots", snapshot.id, { signal });
    await lock.ensureFresh();
    // The parent is a snapshot of the source.
    const copied = changeSnapshot(json, { parent: "none", original: originOf(snapshot) });
    const copyId = await saveUnpacked(destination, "snapshots", copied, { signal });
    this.#copied += 1;
    request.onSnapshot?.({ source: snapshot, copyId, isNew: true });
  }

  /** Throws for a blob that can't be read, and says what can't be copied for it. */
  async #failIfLost(lost: LostBlob | undefined): Promise<void> {
    if (!lost) return;
    const { source, lock } = this.#parts;
    const { blob, error } = lost;
    const place = await whoNeeds(source, blob, this.#batch, { signal: lock.signal });
    throw new EngineError(error.code, `${place ?? "A snapshot"} can't be copied: ${error.message}`, {
      cause: error,
      hint: "What was copied before is whole and stays. Name other snapshots to copy those; `check --read-data` finds all that is damaged.",
    });
  }

  result(): CopyResult {
    const { source, destination } = this.#parts;
    return {
      copied: this.#copied,
      skipped: this.#skipped,
      blobsAdded: this.#blobsDone,
      bytesAdded: this.#bytesAdded,
      cutAlike: source.config.chunkerPolynomial === destination.config.chunkerPolynomial,
    };
  }

  readonly #countBlob = (readBytes: number, storedBytes: number): void => {
    this.#blobsDone += 1;
    this.#bytesDone += readBytes;
    this.#bytesAdded += storedBytes;
    this.#report();
  };

  #report(): void {
    const progress: CopyProgress = {
      snapshotsDone: this.#copied + this.#skipped,
      snapshotsTotal: this.#parts.total,
      blobsDone: this.#blobsDone,
      blobsTotal: this.#blobsTotal + this.#missing.count,
      bytesDone: this.#bytesDone,
      bytesTotal: this.#bytesTotal + this.#missing.bytes,
    };
    this.#parts.request.onProgress?.(progress);
  }
}
