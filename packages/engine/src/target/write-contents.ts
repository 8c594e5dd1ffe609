import { EngineError, isEngineError } from "../errors/engine-error.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { type BlobId, shortId } from "../format/ids.ts";
import { type ContentTask, contentTasks, TaskQueue } from "./content-tasks.ts";
import { type FilesOfTask, filesOfTask, laneTask } from "./lane-task.ts";
import { MainFiles } from "./main-files.ts";
import { fileFlags, type LaneAnswer, type LaneTask, type RestoreLane } from "./restore-lane.ts";
import type { FileNumber, PartNumber, RestorePlan } from "./restore-plan.ts";
import type { RestoreRun } from "./restore-settings.ts";
import { showPath } from "./show-path.ts";
import { TaskWriter } from "./task-writer.ts";

/**
 * While a lane writes one task the next is read. Each has a run of a pack in memory, 4 MiB or one blob, and each lane the blob that it has open: some
 * 16 MB for two lanes and 64 MB at the most for four.
 */
const tasksPerLane = 2;

/** Threads cost some 50 ms and 25 MB each before they do anything: less than this is written sooner without them. */
const worthThreads = { bytes: 16 * 1024 * 1024, parts: 1000 };

/**
 * Brings every missing part of every file into place: pack by pack in the order of their first use, each blob to all files that want it as
 * soon as it is there; and finishes the files whose metadata is in the plan. A file that can't be made whole is reported once and left without metadata.
 */
export async function writeContents(run: RestoreRun, plan: RestorePlan): Promise<void> {
  const writer = new ContentWriter(run, plan);
  await writer.finishComplete();
  const tasks = contentTasks(plan);
  const lanes = openLanes(run, tasks);
  const queue = new TaskQueue(tasks, lanes.length);
  const work = lanes.map(async (lane, number) => {
    try {
      const written = mapConcurrent(
        queue.tasksOf(number),
        tasksPerLane,
        async (task) => await writer.write(lane, task),
      );
      for await (const _ of written) run.signal.throwIfAborted();
    } finally {
      // After a failure the others end with what they have begun.
      queue.close();
    }
  });
  try {
    for (const outcome of await Promise.allSettled(work)) if (outcome.status === "rejected") throw outcome.reason;
  } finally {
    for (const lane of lanes) await lane[Symbol.asyncDispose]();
  }
}

function openLanes({ target, reader, openLanes }: RestoreRun, tasks: readonly ContentTask[]): readonly RestoreLane[] {
  const bytes = tasks.reduce((sum, { start, end }) => sum + end - start, 0);
  const parts = tasks.reduce((sum, task) => sum + task.parts.length, 0);
  const threads = bytes >= worthThreads.bytes || parts >= worthThreads.parts ? openLanes?.() : undefined;
  return threads && threads.length > 0 ? threads : [new TaskWriter(target, reader.openBlob)];
}

/** What a lane has or has not done of a task. */
interface Written {
  readonly parts: readonly PartNumber[];
  readonly files: FilesOfTask;
  readonly sent: LaneTask;
  readonly answer: LaneAnswer;
}

class ContentWriter {
  readonly #run: RestoreRun;
  readonly #plan: RestorePlan;
  readonly #files: MainFiles;
  /** By file: how many parts are still to come, written or found lost. */
  readonly #awaited: Uint32Array;
  /** By file: 1 if a part is lost. */
  readonly #damaged: Uint8Array;
  /** By file: 1 if a part was written. */
  readonly #hasContent: Uint8Array;

  constructor(run: RestoreRun, plan: RestorePlan) {
    this.#run = run;
    this.#plan = plan;
    this.#files = new MainFiles(run, plan);
    this.#awaited = new Uint32Array(plan.fileCount);
    this.#damaged = new Uint8Array(plan.fileCount);
    this.#hasContent = new Uint8Array(plan.fileCount);
    for (let part = 0; part < plan.partCount; part += 1)
      if (plan.isMissing(part)) this.#awaitMore(plan.partFile(part), 1);
  }

  /** Files that miss no part: empty ones, and those that were only too long. Counts what was in place before, too. */
  async finishComplete(): Promise<void> {
    for (let file = 0; file < this.#plan.fileCount; file += 1) {
      this.#run.signal.throwIfAborted();
      if (this.#plan.fileState(file) === "unchanged") continue;
      if (this.#plan.fileState(file) === "update")
        for (const part of this.#plan.partsOf(file))
          if (!this.#plan.isMissing(part)) this.#run.report.wrote(this.#plan.partLength(part));
      if (this.#awaited[file] === 0) await this.#orFail(file, async () => await this.#finish(file));
    }
  }

  async write(lane: RestoreLane, task: ContentTask): Promise<void> {
    const files = filesOfTask(this.#plan, this.#missing(task));
    for (const file of files.numbers)
      if (!files.whole.has(file)) await this.#orFail(file, async () => await this.#files.prepare(file));
    const parts = this.#missing(task);
    if (parts.length === 0) return;
    const bytes = await this.#run.reader.packBytes(task.pack, task.start, task.end);
    this.#run.signal.throwIfAborted();
    if (!bytes) return await this.#writeSingly(parts);
    const sparse = (file: FileNumber): boolean => this.#files.hasHoles(file);
    const sent = laneTask(this.#plan, task, { parts, files, bytes, sparse });
    await this.#settle({ parts, files, sent, answer: await lane.write(sent) });
  }

  /** Parts of a task that are still to be written: a file may have failed meanwhile. */
  #missing({ parts }: ContentTask): PartNumber[] {
    return [...parts].filter((part) => this.#plan.isMissing(part));
  }

  async #settle({ parts, files, sent, answer }: Written): Promise<void> {
    for (const { file, message } of answer.warnings) this.#warn(numberOf(files, file), message);
    for (const { file, code, message, hint } of answer.failures)
      this.#fail(numberOf(files, file), new EngineError(code, message, { hint }));
    const damagedBlobs = new Set(answer.damagedBlobs);
    const damaged: PartNumber[] = [];
    let writtenBytes = 0;
    for (const [at, part] of parts.entries()) {
      const file = this.#plan.partFile(part);
      if (this.#plan.fileState(file) === "failed") continue;
      if (damagedBlobs.has(sent.parts.blobs[at] ?? 0)) {
        damaged.push(part);
        continue;
      }
      // The lane has made it, if nobody else had. What is still to be done with it is ours.
      if (this.#plan.fileState(file) === "new") this.#plan.setFileState(file, "open");
      this.#hasContent[file] = 1;
      writtenBytes += this.#plan.partLength(part);
      this.#awaitMore(file, -1);
      if (this.#awaited[file] !== 0) continue;
      if (((sent.files.flags[sent.parts.files[at] ?? 0] ?? 0) & fileFlags.isFinished) !== 0) this.#finished(file);
      else await this.#orFail(file, async () => await this.#finish(file));
    }
    this.#run.report.wrote(writtenBytes);
    await this.#writeSingly(damaged);
  }

  /** Parts whose blobs did not come out right together with others: each by itself, from another copy perhaps. Rare, so simple. */
  async #writeSingly(parts: readonly PartNumber[]): Promise<void> {
    let last: { readonly id: BlobId; readonly plain: Uint8Array | EngineError } | undefined;
    for (const part of parts) {
      this.#run.signal.throwIfAborted();
      const file = this.#plan.partFile(part);
      if (this.#plan.fileState(file) === "failed") continue;
      const id = this.#plan.partId(part);
      if (last?.id !== id) last = { id, plain: await this.#content(id) };
      const { plain } = last;
      await this.#orFail(file, async () => await this.#writePart(part, plain));
    }
  }

  async #content(id: BlobId): Promise<Uint8Array | EngineError> {
    try {
      return await this.#run.reader.content(id);
    } catch (error) {
      if (isEngineError(error, "corrupt-data", "not-found")) return error;
      throw error;
    }
  }

  async #writePart(part: PartNumber, content: Uint8Array | EngineError): Promise<void> {
    const file = this.#plan.partFile(part);
    const plain = this.#usable(part, content);
    if (plain) {
      await this.#files.write(file, this.#plan.partOffset(part), plain);
      this.#hasContent[file] = 1;
      this.#run.report.wrote(plain.length);
    }
    this.#awaitMore(file, -1);
    if (this.#awaited[file] === 0) await this.#finish(file);
  }

  /** Undefined if the part is lost. That is said, and the file's other parts are written all the same: they may be all that is left of it. */
  #usable(part: PartNumber, content: Uint8Array | EngineError): Uint8Array | undefined {
    const isError = content instanceof EngineError;
    if (!isError && content.length === this.#plan.partLength(part)) return content;
    const file = this.#plan.partFile(part);
    const path = this.#plan.filePath(file);
    const start = this.#plan.partOffset(part);
    const reason = isError
      ? content.message
      : `blob ${shortId(this.#plan.partId(part))} is not as long as the index says`;
    const message = `Bytes ${start} to ${start + this.#plan.partLength(part)} of ${showPath(path)} are lost: ${reason}`;
    this.#damaged[file] = 1;
    this.#run.report.problem(path, new EngineError("corrupt-data", message, isError ? { cause: content } : {}));
    return undefined;
  }

  /** All parts of a file were written or found lost. */
  async #finish(file: FileNumber): Promise<void> {
    if (this.#damaged[file] === 0) {
      await this.#files.finish(file, (message) => this.#warn(file, message));
      this.#finished(file);
      return;
    }
    if (this.#hasContent[file] === 0) await this.#files.discard(file);
    this.#plan.failFile(file);
  }

  #finished(file: FileNumber): void {
    this.#plan.setFileState(file, "done");
    const action = this.#files.isUpdate(file) ? "updated" : "restored";
    this.#run.report.restored(this.#plan.filePath(file), this.#plan.fileSize(file), action);
  }

  #warn(file: FileNumber, message: string): void {
    const path = this.#plan.filePath(file);
    this.#run.report.problem(path, new EngineError("target-unwritable", `${showPath(path)}: ${message}`));
  }

  /** A file that can't be written is given up, and the others go on. */
  async #orFail(file: FileNumber, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fail(file, error);
    }
  }

  #fail(file: FileNumber, error: unknown): void {
    const isFirst = this.#plan.fileState(file) !== "failed";
    this.#plan.failFile(file);
    if (isFirst) this.#run.report.problem(this.#plan.filePath(file), error);
  }

  #awaitMore(file: FileNumber, parts: number): void {
    this.#awaited[file] = (this.#awaited[file] ?? 0) + parts;
  }
}

function numberOf({ numbers }: FilesOfTask, at: number): FileNumber {
  return numbers[at] ?? -1;
}
