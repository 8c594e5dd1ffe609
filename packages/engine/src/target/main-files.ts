import type { TargetFile } from "./file-target.ts";
import { clearPlace } from "./remove-all.ts";
import type { FileNumber, RestorePlan } from "./restore-plan.ts";
import type { RestoreRun } from "./restore-settings.ts";
import { writeWithHoles } from "./write-with-holes.ts";

/**
 * The files that are not made, written and finished by one lane in one go: what is there already, is empty, has parts in several tasks or blobs
 * that need care. They are opened for each step anew, since there are few of them.
 */
export class MainFiles {
  readonly #run: RestoreRun;
  readonly #plan: RestorePlan;
  /** By file: 1 if it was there before. */
  readonly #updated: Uint8Array;
  /** Two tasks may need the same file at the same time. */
  readonly #preparing = new Map<FileNumber, Promise<void>>();

  constructor(run: RestoreRun, plan: RestorePlan) {
    this.#run = run;
    this.#plan = plan;
    this.#updated = Uint8Array.from({ length: plan.fileCount }, (_, file) =>
      plan.fileState(file) === "update" ? 1 : 0,
    );
  }

  isUpdate(file: FileNumber): boolean {
    return this.#updated[file] === 1;
  }

  /** Zeros may be left out: nothing else was there. */
  hasHoles(file: FileNumber): boolean {
    return this.#run.sparse && !this.isUpdate(file);
  }

  /** Makes the file or opens what is there, and gives it its full size; once. So a part that is lost leaves zeros in its place, and not the others in the wrong one. */
  async prepare(file: FileNumber): Promise<void> {
    const preparing = this.#preparing.get(file) ?? this.#prepare(file);
    this.#preparing.set(file, preparing);
    try {
      await preparing;
    } finally {
      this.#preparing.delete(file);
    }
  }

  /** Writes a part of a file that is there or is to be made. */
  async write(file: FileNumber, offset: number, bytes: Uint8Array): Promise<void> {
    await this.prepare(file);
    await using opened = await this.#open(file);
    if (this.hasHoles(file)) await writeWithHoles(opened, offset, bytes);
    else await opened.write(offset, bytes);
  }

  /** The file is whole. If its metadata is in the plan, that is set. */
  async finish(file: FileNumber, onWarning: (message: string) => void): Promise<void> {
    await this.prepare(file);
    const metadata = this.#plan.fileMetadata(file);
    if (!metadata) return;
    await using opened = await this.#open(file);
    await opened.setMetadata(metadata, { ownershipByName: false, onWarning: (_, message) => onWarning(message) });
  }

  /** Nothing of the file could be had: no empty one is left in its place. */
  async discard(file: FileNumber): Promise<void> {
    const isOurs = this.#plan.fileState(file) === "open" && !this.isUpdate(file);
    if (isOurs) await this.#run.target.remove(this.#plan.filePath(file));
  }

  async #prepare(file: FileNumber): Promise<void> {
    const state = this.#plan.fileState(file);
    if (state === "open") return;
    const path = this.#plan.filePath(file);
    const { target } = this.#run;
    if (state === "replace") await clearPlace(this.#run, path);
    const size = this.#plan.fileSize(file);
    await using opened = state === "update" ? await target.openFile(path, "update") : await target.createFile(path);
    if (state === "update" || size > 0) await opened.truncate(size);
    this.#plan.setFileState(file, "open");
  }

  async #open(file: FileNumber): Promise<TargetFile> {
    return await this.#run.target.openFile(this.#plan.filePath(file), "update");
  }
}
