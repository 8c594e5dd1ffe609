import type { Compression } from "../crypto/primitives.ts";
import type { BlobHandle, BlobType } from "../format/blob.ts";
import { encodeIndexFile, type IndexFile } from "../format/index-file.ts";
import type { BlobId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import { defaultPackSizeBytes, PackBuilder } from "../pack/pack-builder.ts";
import type { RepositoryLock } from "./locks.ts";
import type { Repository } from "./repository.ts";
import { saveUnpacked } from "./unpacked-files.ts";

export interface BlobWriterOptions {
  /** Nothing is written once it is lost. */
  readonly lock: RepositoryLock;
  readonly compression: Compression;
  /** A pack is closed once it holds so many bytes. */
  readonly packSizeBytes?: number | undefined;
  /** Packs being uploaded at once, besides the ones being filled: together they bound the memory. */
  readonly uploadsAtOnce?: number | undefined;
  /** Count, but store nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface SavedBlob {
  readonly id: BlobId;
  /** False: the repository, or this run, had it already. */
  readonly isNew: boolean;
  /** Bytes it takes in its pack; 0 when it is not new. */
  readonly storedBytes: number;
}

/** As many as restic's connections: enough to fill a line, and some 100 MB at the default pack size. */
const defaultUploadsAtOnce = 5;
/** An index file is closed at this many blobs (restic design.rst, "Indexing"). */
const indexBlobsMax = 50_000;
/** Packs are indexed at least so often, so that a run that is killed loses no more than this much work. */
const indexAgeMaxMs = 2 * 60_000;
/** How long naming what was uploaded may take when a run is left: whoever stopped it waits, and the store may be gone. */
const leavingMaxMs = 10_000;

/**
 * Stores blobs that the repository does not have yet: seals them into packs, uploads full packs, and names uploaded packs in index files.
 * A blob counts as stored only once an index names its pack, and an index is written only after the packs it names are durable.
 * Call `flush` at the end. If it is left without (a failure, a cancellation), what was uploaded is still indexed where possible, so that the
 * next run finds it; nothing refers to it, so nothing is broken either.
 */
export class BlobWriter implements AsyncDisposable {
  readonly #repository: Repository;
  readonly #options: BlobWriterOptions;
  readonly #packSizeBytes: number;
  readonly #open: Record<BlobType, PackBuilder> = { data: new PackBuilder(), tree: new PackBuilder() };
  /** Blobs of this run that no index names yet, by type and id, with the save that is under way. */
  readonly #pending = new Map<string, Promise<SavedBlob>>();
  readonly #distrusted = new Set<string>();
  readonly #uploads = new Set<Promise<void>>();
  #unindexed: IndexFile["packs"][number][] = [];
  #unindexedBlobs = 0;
  #indexedNs: bigint;
  #failure: { readonly error: unknown } | undefined;

  constructor(repository: Repository, options: BlobWriterOptions) {
    this.#repository = repository;
    this.#options = options;
    this.#packSizeBytes = options.packSizeBytes ?? defaultPackSizeBytes;
    this.#indexedNs = repository.clock.nowNs();
  }

  /**
   * Takes the index's word no longer for the packs that hold this blob, because they turned out damaged or gone: whatever is saved again of
   * what they hold is stored anew.
   */
  distrustPacksOf(handle: BlobHandle): void {
    const packs = new Set(this.#repository.index.find(handle).map(({ pack }) => pack));
    for (const { pack, blobs } of this.#repository.index.packs())
      if (packs.has(pack)) for (const { type, id } of blobs) this.#distrusted.add(`${type}/${id}`);
  }

  /** Whether the repository holds this blob, as far as is known. */
  has(handle: BlobHandle): boolean {
    return this.#repository.index.has(handle) && !this.#distrusted.has(`${handle.type}/${handle.id}`);
  }

  /** Makes sure that the repository will hold `plain`. It may be kept until the returned promise settles. */
  async save(type: BlobType, plain: Uint8Array): Promise<SavedBlob> {
    this.#throwIfFailed();
    const id = await this.#repository.compute.blobId(plain);
    if (this.has({ type, id })) return { id, isNew: false, storedBytes: 0 };
    const key = `${type}/${id}`;
    const underWay = this.#pending.get(key);
    if (underWay) return { ...(await underWay), isNew: false, storedBytes: 0 };
    const saving = this.#saveNew(type, id, plain);
    this.#pending.set(key, saving);
    return await saving;
  }

  /** Resolves when everything saved is durable and indexed. */
  async flush(): Promise<void> {
    for (const type of ["data", "tree"] as const) if (this.#open[type].blobCount > 0) await this.#closePack(type);
    await Promise.all(this.#uploads);
    this.#throwIfFailed();
    await this.#writeIndex(this.#options.lock.signal);
    this.#pending.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#uploads);
    // Whoever removed a lost lock may have pruned these packs: an index that names them would be damage.
    if (!this.#options.lock.isFresh) return;
    try {
      // Not bound to the caller's signal: after a cancellation this is what lets the next run go on from here.
      await this.#writeIndex(AbortSignal.timeout(leavingMaxMs));
    } catch {
      // The operation has failed already, for its own reason; these packs are found again by `repair index`, or pruned.
    }
  }

  async #saveNew(type: BlobType, id: BlobId, plain: Uint8Array): Promise<SavedBlob> {
    // Trees are always compressed, as restic does: they are text, and small.
    const compression = type === "tree" && this.#options.compression === "off" ? "auto" : this.#options.compression;
    const { compute, masterKey, config } = this.#repository;
    const sealed = await compute.sealBlob(masterKey, plain, config.version === 1 ? "off" : compression);
    const pack = this.#open[type];
    const before = pack.sizeBytes;
    pack.add({ type, id }, sealed);
    const storedBytes = pack.sizeBytes - before;
    if (pack.isFull(this.#packSizeBytes)) await this.#closePack(type);
    return { id, isNew: true, storedBytes };
  }

  async #closePack(type: BlobType): Promise<void> {
    const builder = this.#open[type];
    this.#open[type] = new PackBuilder();
    while (this.#uploads.size >= (this.#options.uploadsAtOnce ?? defaultUploadsAtOnce))
      await Promise.race(this.#uploads);
    this.#throwIfFailed();
    const upload = this.#upload(builder)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#uploads.delete(upload));
    this.#uploads.add(upload);
  }

  async #upload(builder: PackBuilder): Promise<void> {
    const { store, compute, masterKey, index, clock } = this.#repository;
    const { lock, dryRun } = this.#options;
    const { id, bytes, blobs } = builder.finish(compute.primitives, masterKey);
    if (!dryRun) {
      await lock.ensureFresh();
      await store.put(objectName("data", id), bytes, { signal: lock.signal });
    }
    index.add(id, blobs);
    for (const blob of blobs) {
      const key = `${blob.type}/${blob.id}`;
      this.#pending.delete(key);
      this.#distrusted.delete(key);
    }
    this.#unindexed.push({ id, blobs });
    this.#unindexedBlobs += blobs.length;
    const ageMs = Number((clock.nowNs() - this.#indexedNs) / 1_000_000n);
    if (this.#unindexedBlobs >= indexBlobsMax || ageMs >= indexAgeMaxMs) await this.#writeIndex(lock.signal);
  }

  async #writeIndex(signal: AbortSignal): Promise<void> {
    const packs = this.#unindexed;
    if (packs.length === 0) return;
    this.#unindexed = [];
    this.#unindexedBlobs = 0;
    this.#indexedNs = this.#repository.clock.nowNs();
    if (this.#options.dryRun) return;
    try {
      await saveUnpacked(this.#repository, "index", encodeIndexFile({ packs }), { signal });
    } catch (error) {
      // The packs are there all the same, and leaving tries once more to have them named.
      this.#unindexed.unshift(...packs);
      throw error;
    }
  }

  #throwIfFailed(): void {
    this.#options.lock.signal.throwIfAborted();
    if (this.#failure) throw this.#failure.error;
  }
}
