import { EngineError } from "../errors/engine-error.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import type { TargetFile } from "./file-target.ts";
import type { FileNumber, RestorePlan } from "./restore-plan.ts";
import { defaultFilesAtOnce, type RestoreRun } from "./restore-settings.ts";

/**
 * Reads the files that are there already, and takes out of the plan every part that is in place: a file that is right is neither fetched nor
 * written, and of a large one that changed a little only that little is.
 */
export async function compareExisting(run: RestoreRun, plan: RestorePlan): Promise<void> {
  const compared = mapConcurrent(filesToCompare(plan), run.filesAtOnce ?? defaultFilesAtOnce, async (file) => {
    await compareFile(run, plan, file);
  });
  for await (const _ of compared) run.signal.throwIfAborted();
}

function* filesToCompare(plan: RestorePlan): Generator<FileNumber, void, undefined> {
  for (let file = 0; file < plan.fileCount; file += 1) if (plan.fileState(file) === "update") yield file;
}

async function compareFile(
  { target, reader, report, signal }: RestoreRun,
  plan: RestorePlan,
  file: FileNumber,
): Promise<void> {
  const path = plan.filePath(file);
  const existing = await openIfReadable();
  if (!existing) return;
  await using there = existing.file;
  let isRight = existing.size === plan.fileSize(file);
  for (const part of plan.partsOf(file)) {
    signal.throwIfAborted();
    const length = plan.partLength(part);
    const isWithin = plan.partOffset(part) + length <= existing.size;
    // The length is looked at first: it comes from the repository, and may be anything.
    const bytes = isWithin ? await there.read(plan.partOffset(part), length) : undefined;
    if (bytes?.length === length && (await reader.blobId(bytes)) === plan.partId(part)) plan.markPresent(part);
    else isRight = false;
  }
  if (!isRight) return;
  plan.setFileState(file, "unchanged");
  report.leftAlone(path, plan.fileSize(file));

  /** What can't be read is written anew; if that fails too, it is said then. */
  async function openIfReadable(): Promise<{ file: TargetFile; size: number } | undefined> {
    try {
      const size = (await target.stat(path))?.size ?? 0;
      return { file: await target.openFile(path, "read"), size };
    } catch (error) {
      if (error instanceof EngineError) return undefined;
      throw error;
    }
  }
}
