import type { FileRemark, HashedChunks, Lane, PackedChunks } from "../../compute/lane.ts";
import { slotBytes, slotsPerLane } from "../../compute/lane.ts";
import { EngineError } from "../../errors/engine-error.ts";
import { type BlobId, blobIdFromBytes } from "../../format/ids.ts";
import { idWords } from "../../format/index-rows.ts";
import type { PackContent } from "../../pack/pack-draft.ts";
import type { ContentReceiver, ContentSaver, ContentSaverDeps } from "./content-saver.ts";
import { LanePlaces } from "../../compute/lane-places.ts";
import type { FileEntry, SavedContent } from "./saved.ts";
import { changeSince, defaultFilesAtOnce } from "./stream-saver.ts";

/** Small files go to a lane together, up to this much: enough that a message costs nothing beside the work, and half of what a slot holds. */
const batchBytes = 4 * 1024 * 1024;
const batchFiles = 200;

interface SmallFile {
  readonly file: FileEntry;
  readonly receiver: ContentReceiver;
}

/** Chunks that lanes have stored, or that the repository had: columns, since there may be millions. */
interface SavedChunks {
  readonly ids: readonly BlobId[];
  readonly lengths: readonly number[];
  /** What each takes in its pack; 0 if it is not new. */
  readonly storedBytes: readonly number[];
}

/**
 * Saves files through lanes, which read them by themselves. Small files go in batches; a large file is cut where it is first looked at, and its chunks
 * are spread over all lanes, so that one huge file keeps every core busy. This thread only decides which chunks are new.
 */
export class LaneSaver implements ContentSaver {
  readonly #deps: ContentSaverDeps;
  readonly #lanes: readonly Lane[];
  readonly #places: LanePlaces;
  /** Begun with the first file: a backup that finds nothing new needs no lanes. */
  #opened: Promise<unknown> | undefined;
  readonly #running = new Set<Promise<unknown>>();
  #batch: SmallFile[] = [];
  #batchBytes = 0;
  /** Each is spread over all lanes; with two, the lanes have work while one file ends and the next begins. */
  readonly #largeFilesAtOnce: number;
  #largeFiles = 0;
  #isClosed = false;

  constructor(deps: ContentSaverDeps, lanes: readonly Lane[]) {
    this.#deps = deps;
    this.#lanes = lanes;
    this.#largeFilesAtOnce = deps.run.filesAtOnce ?? defaultFilesAtOnce;
    this.#places = new LanePlaces(lanes, slotsPerLane);
  }

  get hasRoom(): boolean {
    return this.#places.waiting < this.#lanes.length && this.#largeFiles < this.#largeFilesAtOnce;
  }

  save(file: FileEntry, receiver: ContentReceiver): void {
    if (file.stat.size > batchBytes) {
      // Files end in their order as far as that is possible: nobody waits for a small one that waits for company.
      this.begin();
      this.#saveAsLarge(file, receiver);
      return;
    }
    this.#batch.push({ file, receiver });
    this.#batchBytes += file.stat.size;
    if (this.#batchBytes >= batchBytes || this.#batch.length >= batchFiles) this.begin();
  }

  begin(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    void this.#track(this.#saveSmall(batch));
  }

  async finish(): Promise<void> {
    this.begin();
    // What is found to be large after all begins when its batch ends.
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    if (this.#opened === undefined) return;
    for (const lane of this.#lanes) {
      const pack = await lane.finishPack();
      if (pack) await this.#deps.writer.storePack(pack);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    await Promise.allSettled(this.#running);
  }

  async #saveSmall(batch: readonly SmallFile[]): Promise<void> {
    try {
      await this.#use(async (lane, slot) => {
        const files = batch.map(({ file: { path, stat } }) => ({
          path,
          size: stat.size,
          mtimeNs: stat.mtimeNs,
          inode: stat.inode,
        }));
        const hashed = await lane.hashFiles(slot, files);
        const chunks = await this.#store(lane, slot, hashed);
        let next = 0;
        batch.forEach((small, number) => {
          const end = next + (hashed.chunkCounts[number] ?? 0);
          this.#settle(small, hashed.remarks.get(number), contentOf(chunks, next, end));
          next = end;
        });
      });
    } catch (error) {
      for (const { receiver } of batch) receiver.failed(error);
    }
  }

  #settle({ file, receiver }: SmallFile, remark: FileRemark | undefined, content: SavedContent): void {
    switch (remark?.kind) {
      case undefined:
        receiver.saved(content);
        break;
      case "changed":
        receiver.saved({ ...content, change: remark.how });
        break;
      case "too-large":
        this.#saveAsLarge(file, receiver);
        break;
      case "failed":
        receiver.failed(new EngineError(remark.code, remark.message, remark));
    }
  }

  #saveAsLarge(file: FileEntry, receiver: ContentReceiver): void {
    this.#track(this.#saveLarge(file))
      .then((content) => receiver.saved(content))
      .catch((error: unknown) => receiver.failed(error));
  }

  async #saveLarge({ path, stat }: FileEntry): Promise<SavedContent> {
    const { source, tally } = this.#deps;
    this.#largeFiles += 1;
    const runs: Promise<SavedChunks>[] = [];
    tally.readingStarts(path);
    try {
      let offset = 0;
      for (let isEnd = false; !isEnd;) {
        const found = await this.#use((lane) => lane.findCuts(path, offset));
        for (const lengths of runsOf(found.lengths)) {
          runs.push(this.#track(this.#saveRun(path, offset, lengths)));
          offset += sum(lengths);
        }
        isEnd = found.isEnd;
        await this.#places.untilRoom();
      }
      const content = joined((await Promise.all(runs)).map((chunks) => contentOf(chunks, 0, chunks.ids.length)));
      return { ...content, change: changeSince(source, path, stat, content.size) };
    } finally {
      await Promise.allSettled(runs);
      this.#largeFiles -= 1;
      tally.readingEnds(path);
    }
  }

  async #saveRun(path: string, offset: number, lengths: readonly number[]): Promise<SavedChunks> {
    return await this.#use(async (lane, slot) => {
      const hashed = await lane.hashChunks(slot, path, offset, lengths);
      const chunks = await this.#store(lane, slot, hashed);
      this.#deps.tally.bytesRead(path, sum(hashed.lengths));
      return chunks;
    });
  }

  async #use<Result>(task: (lane: Lane, slot: number) => Promise<Result>): Promise<Result> {
    await (this.#opened ??= this.#open());
    return await this.#places.use(task);
  }

  async #open(): Promise<void> {
    const { repository, writer } = this.#deps;
    const { compression, packSizeBytes, draftFolder } = writer;
    const { masterKey, config } = repository;
    const settings = { masterKey, polynomial: config.chunkerPolynomial, compression, packSizeBytes, draftFolder };
    await Promise.all(this.#lanes.map((lane) => lane.openBackup(settings)));
  }

  /** Has the lane pack what nobody has stored yet. */
  async #store(lane: Lane, slot: number, { ids, lengths }: HashedChunks): Promise<SavedChunks> {
    const { writer } = this.#deps;
    const wanted: number[] = [];
    const words = new Uint32Array(ids.buffer, ids.byteOffset, lengths.length * idWords);
    const names = lengths.map((_, number) => {
      if (writer.claimId("data", words, number * idWords)) wanted.push(number);
      return blobIdFromBytes(ids.subarray(number * idBytes, (number + 1) * idBytes));
    });
    const { storedBytes } = wanted.length === 0 ? nothingPacked : await this.#pack(lane, slot, wanted);
    const stored = names.map(() => 0);
    wanted.forEach((number, n) => (stored[number] = storedBytes[n] ?? 0));
    return { ids: names, lengths, storedBytes: stored };
  }

  async #pack(lane: Lane, slot: number, wanted: readonly number[]): Promise<PackedChunks> {
    const { writer } = this.#deps;
    await writer.untilRoom();
    const packed = await lane.pack(slot, wanted);
    // All are handed over, whatever becomes of the first: what lies in files is the writer's to close.
    await Promise.all(packed.packs.map((pack) => writer.storePack(pack, () => this.#giveBack(lane, pack.content))));
    return packed;
  }

  #giveBack(lane: Lane, content: PackContent): void {
    // A lane that was closed must not begin anew for this.
    if (content instanceof Uint8Array && !this.#isClosed)
      void this.#track(lane.giveBack(content).catch(() => undefined));
  }

  /** Whoever waits for the work hears of its failure; here it is only known when it has ended. */
  #track<Result>(work: Promise<Result>): Promise<Result> {
    const ended = work.catch(() => undefined).finally(() => this.#running.delete(ended));
    this.#running.add(ended);
    return work;
  }
}

const idBytes = 4 * idWords;
const nothingPacked: PackedChunks = { storedBytes: [], packs: [] };

/** What the chunks from `first` to before `end` make. */
function contentOf({ ids, lengths, storedBytes }: SavedChunks, first: number, end: number): SavedContent {
  let size = 0;
  let newBlobs = 0;
  let dataAdded = 0;
  let dataAddedPacked = 0;
  for (let number = first; number < end; number++) {
    const length = lengths[number] ?? 0;
    const stored = storedBytes[number] ?? 0;
    size += length;
    if (stored === 0) continue;
    newBlobs += 1;
    dataAdded += length;
    dataAddedPacked += stored;
  }
  return { ids: ids.slice(first, end), size, newBlobs, dataAdded, dataAddedPacked, change: undefined };
}

function joined(parts: readonly SavedContent[]): SavedContent {
  return {
    ids: parts.flatMap(({ ids }) => ids),
    size: sum(parts.map(({ size }) => size)),
    newBlobs: sum(parts.map(({ newBlobs }) => newBlobs)),
    dataAdded: sum(parts.map(({ dataAdded }) => dataAdded)),
    dataAddedPacked: sum(parts.map(({ dataAddedPacked }) => dataAddedPacked)),
    change: undefined,
  };
}

/** Neighbouring chunks together, as many as are worth a message and fit a slot. */
function* runsOf(lengths: readonly number[]): Generator<readonly number[], void, undefined> {
  let run: number[] = [];
  let bytes = 0;
  for (const length of lengths) {
    if (run.length > 0 && (bytes + length > slotBytes || bytes >= batchBytes / 2)) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(length);
    bytes += length;
  }
  if (run.length > 0) yield run;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
