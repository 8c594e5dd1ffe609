import type { TargetFile } from "./file-target.ts";
import { clearPlace } from "./remove-all.ts";
import type { FileNumber, RestorePlan } from "./restore-plan.ts";
import type { RestoreRun } from "./restore-settings.ts";
import { writeWithHoles } from "./write-with-holes.ts";

/** A file's parts come from several packs in any order, so many files are unfinished at a time; a process has at least some 256 descriptors. */
const openMax = 64;

interface OpenFile {
  readonly opening: Promise<TargetFile>;
  users: number;
}

/** The files that are being written, opened when a part comes and closed when they are complete or others need the room. */
export class OpenFiles implements AsyncDisposable {
  readonly #run: RestoreRun;
  readonly #plan: RestorePlan;
  /** The longest unused first. */
  readonly #open = new Map<FileNumber, OpenFile>();
  /** New files with room for holes. */
  readonly #withHoles = new Set<FileNumber>();

  constructor(run: RestoreRun, plan: RestorePlan) {
    this.#run = run;
    this.#plan = plan;
  }

  /** Writes a part of a file, which is opened or made first. Rejects with `target-unwritable`. */
  async write(file: FileNumber, offset: number, bytes: Uint8Array): Promise<void> {
    const entry = this.#use(file);
    try {
      const opened = await entry.opening;
      if (this.#withHoles.has(file)) await writeWithHoles(opened, offset, bytes);
      else await opened.write(offset, bytes);
    } finally {
      entry.users -= 1;
    }
    await this.#makeRoom();
  }

  /** Makes the file or sets its size, without writing to it. */
  async touch(file: FileNumber): Promise<void> {
    await this.#use(file).opening;
    await this.close(file);
  }

  /** The file needs no more. Closing can fail where writing seemed to go well. */
  async close(file: FileNumber): Promise<void> {
    this.#withHoles.delete(file);
    await this.#release(file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#open.keys()) await this.close(file);
  }

  #use(file: FileNumber): OpenFile {
    const entry = this.#open.get(file) ?? { opening: this.#openOrMake(file), users: 0 };
    // A failure is told to whoever awaits it; somebody does, but maybe only after another part's work.
    entry.opening.catch(() => undefined);
    this.#open.delete(file);
    this.#open.set(file, entry);
    entry.users += 1;
    return entry;
  }

  async #openOrMake(file: FileNumber): Promise<TargetFile> {
    const path = this.#plan.filePath(file);
    const state = this.#plan.fileState(file);
    const { target } = this.#run;
    if (state === "open") return await target.openFile(path, "update");
    if (state === "replace") await clearPlace(this.#run, path);
    const opened = state === "update" ? await target.openFile(path, "update") : await target.createFile(path);
    try {
      await this.#setSize(file, opened);
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      throw error;
    }
    this.#plan.setFileState(file, "open");
    return opened;
  }

  /** Set once, at first: so a part that is lost leaves zeros in its place, and not the others in the wrong one. */
  async #setSize(file: FileNumber, opened: TargetFile): Promise<void> {
    const isUpdate = this.#plan.fileState(file) === "update";
    const parts = this.#plan.partsOf(file);
    const isWrittenAtOnce = !isUpdate && parts.next().done !== true && parts.next().done === true;
    const hasHoles = this.#run.sparse && !isUpdate;
    if (hasHoles) this.#withHoles.add(file);
    if (hasHoles || !isWrittenAtOnce) await opened.truncate(this.#plan.fileSize(file));
  }

  async #makeRoom(): Promise<void> {
    if (this.#open.size <= openMax) return;
    for (const [file, { users }] of this.#open) {
      if (users > 0) continue;
      await this.#release(file);
      return;
    }
  }

  async #release(file: FileNumber): Promise<void> {
    const entry = this.#open.get(file);
    this.#open.delete(file);
    const opened = await entry?.opening.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }
}
