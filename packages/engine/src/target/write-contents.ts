import { EngineError } from "../errors/engine-error.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { type BlobId, type ObjectId, shortId } from "../format/ids.ts";
import { OpenFiles } from "./open-files.ts";
import type { FileNumber, PartNumber, RestorePlan } from "./restore-plan.ts";
import type { RestoreRun } from "./restore-settings.ts";
import type { LoadedContent } from "./snapshot-reader.ts";
import { showPath } from "./show-path.ts";

/** Each pack holds one joined read in memory, at most 32 MiB or one blob, and the blob being written: with four some 150 MB at the worst. */
const defaultPacksAtOnce = 4;

/**
 * Brings every missing part of every file into place: pack by pack in the order of their first use, several at once, each blob to all
 * files that want it as soon as it is there. A file that can't be made whole is reported once and left without metadata.
 */
export async function writeContents(run: RestoreRun, plan: RestorePlan): Promise<void> {
  const { signal, packsAtOnce = defaultPacksAtOnce } = run;
  await using files = new OpenFiles(run, plan);
  const writer = new ContentWriter(run, plan, files);
  await writer.finishComplete();
  const written = mapConcurrent(plan.missingByPack(), packsAtOnce, async ({ pack, parts }) => {
    await writer.writePack(pack, parts);
  });
  for await (const _ of written) signal.throwIfAborted();
}

class ContentWriter {
  readonly #run: RestoreRun;
  readonly #plan: RestorePlan;
  readonly #files: OpenFiles;
  /** By file: how many parts are still to come, written or found lost. */
  readonly #awaited: Uint32Array;
  /** By file: 1 if a part is lost. */
  readonly #damaged: Uint8Array;
  /** By file: 1 if it was there before. */
  readonly #updated: Uint8Array;

  constructor(run: RestoreRun, plan: RestorePlan, files: OpenFiles) {
    this.#run = run;
    this.#plan = plan;
    this.#files = files;
    this.#awaited = new Uint32Array(plan.fileCount);
    this.#damaged = new Uint8Array(plan.fileCount);
    this.#updated = new Uint8Array(plan.fileCount);
    for (let file = 0; file < plan.fileCount; file += 1) {
      this.#updated[file] = plan.fileState(file) === "update" ? 1 : 0;
      for (const part of plan.partsOf(file)) if (plan.isMissing(part)) this.#awaitMore(file, 1);
    }
  }

  /** Files that miss no part: empty ones, and those that were only too long. Counts what was in place before, too. */
  async finishComplete(): Promise<void> {
    for (let file = 0; file < this.#plan.fileCount; file += 1) {
      this.#run.signal.throwIfAborted();
      if (this.#plan.fileState(file) === "unchanged") continue;
      for (const part of this.#plan.partsOf(file))
        if (!this.#plan.isMissing(part)) this.#run.report.wrote(this.#plan.partLength(part));
      if (this.#awaited[file] !== 0) continue;
      await this.#orFail(file, async () => {
        await this.#files.touch(file);
        this.#finished(file);
      });
    }
  }

  async writePack(pack: ObjectId, parts: readonly PartNumber[]): Promise<void> {
    const wanted = this.#wantedFrom(parts);
    if (wanted.size === 0) return;
    for await (const loaded of this.#run.reader.packBlobs(pack, [...wanted.keys()])) {
      this.#run.signal.throwIfAborted();
      for (const part of wanted.get(loaded.id) ?? []) await this.#writePart(part, loaded);
    }
  }

  #wantedFrom(parts: readonly PartNumber[]): Map<BlobId, PartNumber[]> {
    const wanted = new Map<BlobId, PartNumber[]>();
    for (const part of parts) {
      if (!this.#plan.isMissing(part)) continue;
      const id = this.#plan.partId(part);
      const uses = wanted.get(id);
      if (uses) uses.push(part);
      else wanted.set(id, [part]);
    }
    return wanted;
  }

  async #writePart(part: PartNumber, loaded: LoadedContent): Promise<void> {
    const file = this.#plan.partFile(part);
    if (this.#plan.fileState(file) === "failed") return;
    await this.#orFail(file, async () => {
      const plain = this.#usable(part, loaded);
      if (plain) {
        await this.#files.write(file, this.#plan.partOffset(part), plain);
        this.#run.report.wrote(plain.length);
      }
      this.#awaitMore(file, -1);
      if (this.#awaited[file] !== 0) return;
      await this.#files.close(file);
      this.#finished(file);
    });
  }

  /** Undefined if the part is lost. That is said, and the file's other parts are written all the same: they may be all that is left of it. */
  #usable(part: PartNumber, loaded: LoadedContent): Uint8Array | undefined {
    if ("plain" in loaded && loaded.plain.length === this.#plan.partLength(part)) return loaded.plain;
    const file = this.#plan.partFile(part);
    const path = this.#plan.filePath(file);
    const start = this.#plan.partOffset(part);
    const reason =
      "error" in loaded ? loaded.error.message : `blob ${shortId(loaded.id)} is not as long as the index says`;
    const message = `Bytes ${start} to ${start + this.#plan.partLength(part)} of ${showPath(path)} are lost: ${reason}`;
    this.#damaged[file] = 1;
    this.#run.report.problem(
      path,
      new EngineError("corrupt-data", message, "error" in loaded ? { cause: loaded.error } : {}),
    );
    return undefined;
  }

  #finished(file: FileNumber): void {
    if (this.#damaged[file] === 1) {
      this.#plan.failFile(file);
      return;
    }
    this.#plan.setFileState(file, "done");
    const action = this.#updated[file] === 1 ? "updated" : "restored";
    this.#run.report.restored(this.#plan.filePath(file), this.#plan.fileSize(file), action);
  }

  /** A file that can't be written is given up, and the others go on. */
  async #orFail(file: FileNumber, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isFirst = this.#plan.fileState(file) !== "failed";
      this.#plan.failFile(file);
      if (isFirst) this.#run.report.problem(this.#plan.filePath(file), error);
      await this.#files.close(file).catch(() => undefined);
    }
  }

  #awaitMore(file: FileNumber, parts: number): void {
    this.#awaited[file] = (this.#awaited[file] ?? 0) + parts;
  }
}
