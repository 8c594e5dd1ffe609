import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import { blobIdFromBytes } from "../format/ids.ts";
import type { EntryMetadata, FileTarget, MetadataOptions, TargetFile, TargetPath } from "./file-target.ts";
import { type BlobOpener, fileFlags, type LaneAnswer, type LaneTask, type RestoreLane } from "./restore-lane.ts";
import { writeWithHoles } from "./write-with-holes.ts";

/** The lane of a restore in whatever thread it is made in. */
export class TaskWriter implements RestoreLane {
  readonly #target: FileTarget;
  readonly #openBlob: BlobOpener;
  #last: Promise<unknown> = Promise.resolve();

  constructor(target: FileTarget, openBlob: BlobOpener) {
    this.#target = target;
    this.#openBlob = openBlob;
  }

  async write(task: LaneTask): Promise<LaneAnswer> {
    // One after another: the opener's bytes are there until its next call, and so long they may be being written.
    const answer = this.#last.then(async () => await new WritingTask(task, this.#target, this.#openBlob).run());
    this.#last = answer.catch(() => undefined);
    return await answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
  }
}

/** A task's blobs may belong to many files by turns, and a process has at least some 256 descriptors. */
const openMax = 64;
const idBytes = 32;

class WritingTask {
  readonly #task: LaneTask;
  readonly #target: FileTarget;
  readonly #openBlob: BlobOpener;
  readonly #answer = { damagedBlobs: [] as number[], failures: [], warnings: [] } satisfies LaneAnswer as {
    damagedBlobs: number[];
    failures: LaneAnswer["failures"][number][];
    warnings: LaneAnswer["warnings"][number][];
  };
  /** By file: how many parts are still to come. */
  readonly #awaited: Uint32Array;
  /** By file: 1 if a part is damaged. */
  readonly #damaged: Uint8Array;
  readonly #failed: Uint8Array;
  /** By file: 1 once a file that is whole has been made. */
  readonly #made: Uint8Array;
  /** The first opened first. */
  readonly #open = new Map<number, TargetFile>();

  constructor(task: LaneTask, target: FileTarget, openBlob: BlobOpener) {
    this.#task = task;
    this.#target = target;
    this.#openBlob = openBlob;
    const files = task.files.names.length;
    this.#awaited = new Uint32Array(files);
    this.#damaged = new Uint8Array(files);
    this.#failed = new Uint8Array(files);
    this.#made = new Uint8Array(files);
    for (const file of task.parts.files) this.#awaited[file] = (this.#awaited[file] ?? 0) + 1;
  }

  async run(): Promise<LaneAnswer> {
    const { blobs, files, offsets } = this.#task.parts;
    let opened = -1;
    let plain: Uint8Array | undefined;
    try {
      for (const [part, blob] of blobs.entries()) {
        if (blob !== opened) plain = this.#openedBlob(blob);
        opened = blob;
        const file = files[part] ?? 0;
        if (this.#failed[file] === 1) continue;
        if (plain && this.#isWrittenAtOnce(file)) await this.#writeAtOnce(file, plain);
        else await this.#orFail(file, async () => await this.#writePart(file, offsets[part] ?? 0, plain));
      }
    } finally {
      for (const file of this.#open.keys()) await this.#orFail(file, async () => await this.#close(file));
    }
    return this.#answer;
  }

  /** Undefined if it is damaged. */
  #openedBlob(blob: number): Uint8Array | undefined {
    const { bytes, blobs } = this.#task;
    const start = blobs.starts[blob] ?? 0;
    const end = start + (blobs.lengths[blob] ?? 0);
    const id = blobs.ids.subarray(blob * idBytes, (blob + 1) * idBytes);
    invariant(end <= bytes.length && id.length === idBytes, "a task's blobs lie in its bytes");
    try {
      return this.#openBlob(bytes.subarray(start, end), blobs.uncompressedLengths[blob] ?? 0, blobIdFromBytes(id));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#answer.damagedBlobs.push(blob);
      return undefined;
    }
  }

  /** Whether the part that has come is all of a new file. */
  #isWrittenAtOnce(file: number): boolean {
    const flags = this.#task.files.flags[file] ?? 0;
    const isMade = this.#made[file] === 1 || this.#damaged[file] === 1;
    return (
      this.#awaited[file] === 1 && !isMade && (flags & (fileFlags.isWhole | fileFlags.hasHoles)) === fileFlags.isWhole
    );
  }

  async #writeAtOnce(file: number, plain: Uint8Array): Promise<void> {
    this.#awaited[file] = 0;
    const metadata = this.#hasFlag(file, fileFlags.isFinished) ? this.#metadataOf(file) : undefined;
    try {
      await this.#target.writeNewFile(this.#pathOf(file), plain, metadata, this.#optionsFor(file));
    } catch (error) {
      this.#fail(file, error);
    }
  }

  async #writePart(file: number, offset: number, plain: Uint8Array | undefined): Promise<void> {
    this.#awaited[file] = (this.#awaited[file] ?? 0) - 1;
    if (plain === undefined) this.#damaged[file] = 1;
    else await this.#writeTo(await this.#opened(file), file, offset, plain);
    if (this.#awaited[file] !== 0) return;
    if (this.#damaged[file] === 0 && this.#hasFlag(file, fileFlags.isFinished))
      await this.#setMetadata(file, await this.#opened(file));
    await this.#close(file);
  }

  async #writeTo(opened: TargetFile, file: number, offset: number, plain: Uint8Array): Promise<void> {
    if (this.#hasFlag(file, fileFlags.hasHoles)) await writeWithHoles(opened, offset, plain);
    else await opened.write(offset, plain);
  }

  async #opened(file: number): Promise<TargetFile> {
    const known = this.#open.get(file);
    if (known) return known;
    const path = this.#pathOf(file);
    const isNew = this.#hasFlag(file, fileFlags.isWhole) && this.#made[file] === 0;
    const opened = isNew ? await this.#target.createFile(path) : await this.#target.openFile(path, "update");
    this.#open.set(file, opened);
    if (isNew) {
      this.#made[file] = 1;
      // So a part that is lost leaves zeros in its place. The last part, and so a single one, brings its size with it.
      if ((this.#awaited[file] ?? 0) > 0 || this.#hasFlag(file, fileFlags.hasHoles))
        await opened.truncate(this.#task.files.sizes[file] ?? 0);
    }
    await this.#makeRoom();
    return opened;
  }

  async #makeRoom(): Promise<void> {
    if (this.#open.size <= openMax) return;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) await this.#orFail(oldest, async () => await this.#close(oldest));
  }

  async #setMetadata(file: number, opened: TargetFile): Promise<void> {
    await opened.setMetadata(this.#metadataOf(file), this.#optionsFor(file));
  }

  #optionsFor(file: number): MetadataOptions {
    return { ownershipByName: false, onWarning: (_, message) => this.#answer.warnings.push({ file, message }) };
  }

  #metadataOf(file: number): EntryMetadata {
    const { modes, uids, gids, atimesNs, mtimesNs } = this.#task.files;
    return {
      type: "file",
      mode: modes[file] ?? 0,
      uid: uids[file] ?? 0,
      gid: gids[file] ?? 0,
      atimeNs: atimesNs[file] ?? 0n,
      mtimeNs: mtimesNs[file] ?? 0n,
      user: "",
      group: "",
      extendedAttributes: [],
      genericAttributes: noAttributes,
    };
  }

  /** Closing can fail where writing seemed to go well. */
  async #close(file: number): Promise<void> {
    const opened = this.#open.get(file);
    this.#open.delete(file);
    await opened?.[Symbol.asyncDispose]();
  }

  /** A file that can't be written is given up, and the others go on. */
  async #orFail(file: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fail(file, error);
      await this.#close(file).catch(() => undefined);
    }
  }

  #fail(file: number, error: unknown): void {
    if (!(error instanceof EngineError)) throw error;
    const { code, message, hint } = error;
    if (this.#failed[file] === 0) this.#answer.failures.push({ file, code, message, hint });
    this.#failed[file] = 1;
  }

  #pathOf(file: number): TargetPath {
    const { directories, directoryOf, names } = this.#task.files;
    const directory = directories[directoryOf[file] ?? -1];
    const name = names[file];
    invariant(directory !== undefined && name !== undefined, "a task's files are all described");
    return [...directory, name];
  }

  #hasFlag(file: number, flag: number): boolean {
    return ((this.#task.files.flags[file] ?? 0) & flag) !== 0;
  }
}

const noAttributes: ReadonlyMap<string, string> = new Map();
