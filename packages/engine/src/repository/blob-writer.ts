import { blobIdOf, sealBlobInto, type SealedLengths } from "../blob/seal-blob.ts";
import type { SealedBlob } from "../blob/sealed-blob.ts";
import type { Compression } from "../crypto/primitives.ts";
import { sealOverheadBytes } from "../crypto/seal.ts";
import { invariant } from "../errors/invariant.ts";
import type { BlobHandle, BlobType } from "../format/blob.ts";
import { blobRowWords, dataCountAt, type FilledIndexRows, rowId } from "../format/index-rows.ts";
import type { BlobId } from "../format/ids.ts";
import { type ObjectName, objectName } from "../format/object-name.ts";
import { defaultPackSizeBytes, PackBuilder } from "../pack/pack-builder.ts";
import { memoryDraft, type PackContent } from "../pack/pack-draft.ts";
import { type StorablePack, storablePack } from "../pack/storable-pack.ts";
import { ClaimedIds } from "./claimed-ids.ts";
import type { RepositoryLock } from "./locks.ts";
import type { Repository } from "./repository.ts";
import { saveIndexRows } from "./save-index-rows.ts";

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
/** Some blobs more than are written together. Larger blobs get memory of their own. */
const draftRoomBytes = 2 * 1024 * 1024;
/** An index file is closed at this many blobs (restic design.rst, "Indexing"). */
export const indexBlobsMax = 50_000;
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
  readonly #uploadsAtOnce: number;
  /** Packs of others must be made with these. */
  readonly compression: Compression;
  readonly packSizeBytes: number;
  /** Where they may grow in unnamed files. */
  readonly draftFolder: string | undefined;
  readonly #open: Partial<Record<BlobType, PackBuilder>> = {};
  /** By type: what packs in files grow by way of. */
  readonly #draftRooms: Record<BlobType, Uint8Array> = {
    data: new Uint8Array(draftRoomBytes),
    tree: new Uint8Array(draftRoomBytes),
  };
  readonly #claimed: Record<BlobType, ClaimedIds>;
  readonly #distrusted = new Set<string>();
  readonly #uploads = new Set<Promise<void>>();
  #unindexed: FilledIndexRows[] = [];
  #unindexedBlobs = 0;
  #indexedNs: bigint;
  #failure: { readonly error: unknown } | undefined;

  constructor(repository: Repository, options: BlobWriterOptions) {
    this.#repository = repository;
    this.#options = options;
    const { index } = repository;
    this.#claimed = {
      data: new ClaimedIds((ids, at) => index.hasId("data", ids, at)),
      tree: new ClaimedIds((ids, at) => index.hasId("tree", ids, at)),
    };
    // Version 1 knows no compression.
    this.compression = repository.config.version === 1 ? "off" : options.compression;
    this.packSizeBytes = options.packSizeBytes ?? defaultPackSizeBytes;
    this.draftFolder = options.dryRun ? undefined : repository.store.localFiles?.draftFolder;
    this.#uploadsAtOnce = options.uploadsAtOnce ?? repository.store.uploadsAtOnce ?? defaultUploadsAtOnce;
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
    if (!this.#repository.index.has(handle)) return false;
    return this.#distrusted.size === 0 || !this.#distrusted.has(`${handle.type}/${handle.id}`);
  }

  /** `has`, with the words of the id at `at` in `ids`. */
  hasId(type: BlobType, ids: Uint32Array, at: number): boolean {
    if (this.#distrusted.size === 0) return this.#repository.index.hasId(type, ids, at);
    return this.has({ type, id: rowId(ids, at) as BlobId });
  }

  /** Whether the caller has to store this blob, by `storePack`: true once for each blob that the repository does not have. */
  claim({ type, id }: BlobHandle): boolean {
    return this.claimId(type, new Uint32Array(Uint8Array.fromHex(id).buffer), 0);
  }

  /** `claim`, with the words of the id at `at` in `ids`. */
  claimId(type: BlobType, ids: Uint32Array, at: number): boolean {
    return !this.hasId(type, ids, at) && this.#claimed[type].add(ids, at);
  }

  /** Makes sure that the repository will hold `plain`. */
  async save(type: BlobType, plain: Uint8Array): Promise<SavedBlob> {
    this.#throwIfFailed();
    const { compute, masterKey } = this.#repository;
    const id = blobIdOf(compute.primitives, plain);
    if (!this.claim({ type, id })) return { id, isNew: false, storedBytes: 0 };
    const compression = this.compressionOf(type);
    const storedBytes = await this.saveBy({ type, id }, plain.length + sealOverheadBytes, (room) =>
      sealBlobInto(compute.primitives, masterKey, plain, compression, room),
    );
    return { id, isNew: true, storedBytes };
  }

  /**
   * Stores a blob whether the repository has it or not: `sealInto` puts it, sealed for this repository, at the beginning of the `roomBytes` that it is
   * given. If it throws, nothing is stored. Gives the bytes that it takes in its pack.
   */
  async saveBy(
    { type, id }: BlobHandle,
    roomBytes: number,
    sealInto: (room: Uint8Array) => SealedLengths,
  ): Promise<number> {
    this.#throwIfFailed();
    const pack = (this.#open[type] ??= this.#newPack(type));
    const storedBytes = pack.sealBy(type, Uint8Array.fromHex(id), roomBytes, sealInto);
    if (pack.isFull(this.packSizeBytes)) await this.#closePack(type, pack);
    return storedBytes;
  }

  /** How blobs of this type are compressed. Trees always are, as restic does: they are text, and small. */
  compressionOf(type: BlobType): Compression {
    if (type === "data" || this.#repository.config.version === 1) return this.compression;
    return this.compression === "off" ? "auto" : this.compression;
  }

  /** Stores a blob that is sealed already, though the repository has it: for who is about to remove the pack that it lies in. */
  async saveSealed(handle: BlobHandle, { sealed, uncompressedLength }: SealedBlob): Promise<void> {
    await this.saveBy(handle, sealed.length, (room) => {
      room.set(sealed);
      return { sealedBytes: sealed.length, uncompressedLength };
    });
  }

  /** Resolves once an upload can begin. Whoever makes a pack only then holds no more packs than can be uploaded. */
  async untilRoom(): Promise<void> {
    while (this.#uploads.size >= this.#uploadsAtOnce) await Promise.race(this.#uploads);
    this.#throwIfFailed();
  }

  /**
   * Takes over a pack of claimed blobs. Resolves once there is room for its upload to begin: who waits for that needs no memory for more.
   * `onStored` is called when its bytes are needed no longer.
   */
  async storePack(pack: StorablePack, onStored: () => void = () => undefined): Promise<void> {
    try {
      await this.untilRoom();
    } catch (error) {
      this.#letGo(pack);
      throw error;
    }
    const upload = this.#upload(pack)
      .then(onStored)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#letGo(pack);
        this.#uploads.delete(upload);
      });
    this.#uploads.add(upload);
  }

  /** Resolves when everything saved is durable and indexed. */
  async flush(): Promise<void> {
    for (const type of ["data", "tree"] as const) {
      const pack = this.#open[type];
      if (pack) await this.#closePack(type, pack);
    }
    await Promise.all(this.#uploads);
    this.#throwIfFailed();
    await this.#writeIndex(this.#options.lock.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pack of Object.values(this.#open)) pack.discard();
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

  #newPack(type: BlobType): PackBuilder {
    const { openFileDraft } = this.#repository.compute;
    const draft =
      this.draftFolder === undefined ? undefined : openFileDraft?.(this.draftFolder, this.#draftRooms[type]);
    return new PackBuilder(draft ?? memoryDraft());
  }

  async #closePack(type: BlobType, pack: PackBuilder): Promise<void> {
    const { compute, masterKey } = this.#repository;
    const finished = pack.finish(compute.primitives, masterKey);
    delete this.#open[type];
    await this.storePack(storablePack(finished));
  }

  async #upload({ id, content, rows }: StorablePack): Promise<void> {
    const { index, clock } = this.#repository;
    const { lock, dryRun } = this.#options;
    if (!dryRun) {
      await lock.ensureFresh();
      await this.#put(objectName("data", id), content);
    }
    index.addRows(rows);
    this.#trustAgain(rows);
    this.#unindexed.push(rows);
    this.#unindexedBlobs += rows.blobs.length / blobRowWords;
    const ageMs = Number((clock.nowNs() - this.#indexedNs) / 1_000_000n);
    if (this.#unindexedBlobs >= indexBlobsMax || ageMs >= indexAgeMaxMs) await this.#writeIndex(lock.signal);
  }

  async #put(name: ObjectName, content: PackContent): Promise<void> {
    const { store } = this.#repository;
    const { signal } = this.#options.lock;
    if (content instanceof Uint8Array) return await store.put(name, content, { signal });
    invariant(store.localFiles !== undefined, "packs come in files only where the store takes them");
    await store.localFiles.put(name, content, { signal });
  }

  #letGo({ content }: StorablePack): void {
    if (!(content instanceof Uint8Array)) this.#repository.store.localFiles?.close(content);
  }

  /** What was stored anew is where the index says. */
  #trustAgain({ packs, blobs }: FilledIndexRows): void {
    if (this.#distrusted.size === 0) return;
    const dataCount = packs[dataCountAt] ?? 0;
    for (let row = 0; row * blobRowWords < blobs.length; row++)
      this.#distrusted.delete(`${row < dataCount ? "data" : "tree"}/${rowId(blobs, row * blobRowWords)}`);
  }

  async #writeIndex(signal: AbortSignal): Promise<void> {
    const packs = this.#unindexed;
    if (packs.length === 0) return;
    this.#unindexed = [];
    this.#unindexedBlobs = 0;
    this.#indexedNs = this.#repository.clock.nowNs();
    if (this.#options.dryRun) return;
    try {
      await saveIndexRows(this.#repository, packs, { signal });
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
