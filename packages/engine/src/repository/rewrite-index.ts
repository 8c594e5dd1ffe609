import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { blobRowWords, type FilledIndexRows, partsOfRows, pickPacks } from "../format/index-rows.ts";
import type { ObjectId } from "../format/ids.ts";
import type { StoredObject } from "../store/object-store.ts";
import { indexBlobsMax } from "./blob-writer.ts";
import { deleteObjects } from "./delete-objects.ts";
import { loadIndexRows } from "./load-index-rows.ts";
import type { RepositoryLock } from "./locks.ts";
import type { Repository } from "./repository.ts";
import { saveIndexRows } from "./save-index-rows.ts";

/** Enough to hide the network's delay, few enough that decoded files don't pile up. */
const indexFilesAtOnce = 4;
/** An index file of so many blobs is cut: 50,000 and the most that one pack may add. Restic's own figure. */
const oversizedBlobs = 50_000 + 409_199;

export interface RewriteIndexOptions extends Abortable {
  readonly lock: RepositoryLock;
  /** Packs that no index file is to name any more. */
  readonly drop: ReadonlySet<ObjectId>;
  /** Index files that go without being read, because they can't be. */
  readonly unreadable?: ReadonlySet<ObjectId> | undefined;
  /** What no index file says yet. */
  readonly add?: FilledIndexRows | undefined;
  readonly onRead?: ((done: number, total: number) => void) | undefined;
  readonly onDelete?: ((done: number, total: number) => void) | undefined;
}

/**
 * Writes index files that no longer name some packs, then deletes those that do (restic design.rst, "Read and Write Ordering"): at any moment every other pack
 * is named by one that is there. Index files that need no change stay, unless they are small: those are joined. A pack that several name is named once
 * afterwards.
 */
export async function rewriteIndex(repository: Repository, options: RewriteIndexOptions): Promise<void> {
  const { lock, drop, unreadable = new Set<ObjectId>(), signal } = options;
  const files: StoredObject[] = [];
  const obsolete: ObjectId[] = [...unreadable];
  for await (const file of repository.store.list("index", { signal })) if (!unreadable.has(file.id)) files.push(file);
  const writer = new IndexWriter(repository, lock, signal);
  const named = new Set<ObjectId>(drop);
  const isFirst = (pack: ObjectId) => !named.has(pack) && named.add(pack).has(pack);
  let done = 0;

  const load = async (file: StoredObject) => ({ id: file.id, rows: await loadIndexRows(repository, file, { signal }) });
  for await (const { id, rows } of mapConcurrent(files, indexFilesAtOnce, load)) {
    const wanted = pickPacks(rows, isFirst);
    const isFull = blobCountOf(rows) >= indexBlobsMax && blobCountOf(rows) < oversizedBlobs;
    if (wanted.packCount < rows.packCount || !isFull) {
      await writer.add(wanted);
      obsolete.push(id);
    }
    done += 1;
    options.onRead?.(done, files.length);
  }
  if (options.add) await writer.add(options.add);
  await writer.finish();
  await deleteObjects(repository, "index", obsolete, { lock, signal, onDelete: options.onDelete });
}

/** Gathers packs and writes an index file whenever there are enough. */
class IndexWriter {
  readonly #repository: Repository;
  readonly #lock: RepositoryLock;
  readonly #signal: AbortSignal | undefined;
  #waiting: FilledIndexRows[] = [];
  #blobs = 0;

  constructor(repository: Repository, lock: RepositoryLock, signal: AbortSignal | undefined) {
    this.#repository = repository;
    this.#lock = lock;
    this.#signal = signal;
  }

  async add(rows: FilledIndexRows): Promise<void> {
    for (const part of partsOfRows(rows, indexBlobsMax)) {
      this.#waiting.push(part);
      this.#blobs += blobCountOf(part);
      if (this.#blobs >= indexBlobsMax) await this.finish();
    }
  }

  async finish(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await this.#lock.ensureFresh();
    await saveIndexRows(this.#repository, this.#waiting, { signal: this.#signal });
    this.#waiting = [];
    this.#blobs = 0;
  }
}

function blobCountOf({ blobs }: FilledIndexRows): number {
  return blobs.length / blobRowWords;
}
