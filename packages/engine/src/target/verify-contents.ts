import { EngineError } from "../errors/engine-error.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import type { FileNumber, PartNumber, RestorePlan } from "./restore-plan.ts";
import { defaultFilesAtOnce, type RestoreRun } from "./restore-settings.ts";
import { showPath } from "./show-path.ts";

/** What was read again and found right. */
export interface Verified {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Reads every file of the plan again, those that were left alone too, and compares each part's hash with the snapshot. Done before times and
 * modes are set: reading would change a time, and a mode may forbid it.
 */
export async function verifyContents(run: RestoreRun, plan: RestorePlan): Promise<Verified> {
  let files = 0;
  let bytes = 0;
  const verified = mapConcurrent(filesToVerify(plan), run.filesAtOnce ?? defaultFilesAtOnce, async (file) =>
    (await isRight(run, plan, file)) ? plan.fileSize(file) : undefined,
  );
  for await (const size of verified) {
    run.signal.throwIfAborted();
    if (size === undefined) continue;
    files += 1;
    bytes += size;
  }
  return { files, bytes };
}

function* filesToVerify(plan: RestorePlan): Generator<FileNumber, void, undefined> {
  for (let file = 0; file < plan.fileCount; file += 1) if (plan.fileState(file) !== "failed") yield file;
}

async function isRight(run: RestoreRun, plan: RestorePlan, file: FileNumber): Promise<boolean> {
  const path = plan.filePath(file);
  try {
    const size = (await run.target.stat(path))?.size;
    if (size !== plan.fileSize(file))
      throw new EngineError(
        "corrupt-data",
        `${showPath(path)} has ${size ?? "no"} bytes instead of ${plan.fileSize(file)}`,
      );
    await using there = await run.target.openFile(path, "read");
    for (const part of plan.partsOf(file)) {
      run.signal.throwIfAborted();
      const bytes = await there.read(plan.partOffset(part), plan.partLength(part));
      if ((await run.reader.blobId(bytes)) !== plan.partId(part)) throw wrongPart(plan, file, part);
    }
    return true;
  } catch (error) {
    run.report.problem(path, error, "verify");
    // It must not pass for the right one by its size and time.
    plan.failFile(file);
    return false;
  }
}

function wrongPart(plan: RestorePlan, file: FileNumber, part: PartNumber): EngineError {
  const start = plan.partOffset(part);
  const range = `bytes ${start} to ${start + plan.partLength(part)}`;
  return new EngineError("corrupt-data", `${showPath(plan.filePath(file))} is not what the snapshot has at ${range}`);
}
