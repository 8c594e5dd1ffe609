import type { ContentTask } from "./content-tasks.ts";
import type { TargetPath } from "./file-target.ts";
import { fileFlags, type LaneTask, type TaskBlobs, type TaskFiles, type TaskParts } from "./restore-lane.ts";
import type { DirectoryNumber, FileNumber, PartNumber, RestorePlan } from "./restore-plan.ts";

const idBytes = 32;

/** The files that have parts in a task, by their numbers in the task. */
export interface FilesOfTask {
  readonly numbers: readonly FileNumber[];
  /** Those of which all parts are in this task, and which nothing is in the place of: the lane makes them. The others must be there. */
  readonly whole: ReadonlySet<FileNumber>;
}

/** Which files these parts belong to. */
export function filesOfTask(plan: RestorePlan, parts: Iterable<PartNumber>): FilesOfTask {
  const counts = new Map<FileNumber, number>();
  for (const part of parts) {
    const file = plan.partFile(part);
    counts.set(file, (counts.get(file) ?? 0) + 1);
  }
  const whole = new Set<FileNumber>();
  for (const [file, count] of counts)
    if (plan.fileState(file) === "new" && count === plan.partCountOf(file)) whole.add(file);
  return { numbers: [...counts.keys()], whole };
}

/** A task in the form in which a lane takes it. `parts` are the task's, but for those whose file has failed meanwhile. */
export function laneTask(
  plan: RestorePlan,
  task: ContentTask,
  {
    parts,
    files,
    bytes,
    sparse,
  }: {
    readonly parts: readonly PartNumber[];
    readonly files: FilesOfTask;
    readonly bytes: Uint8Array;
    readonly sparse: (file: FileNumber) => boolean;
  },
): LaneTask {
  return { bytes, ...blobsAndParts(plan, task, parts, files), files: describeFiles(plan, files, sparse) };
}

/** One blob may be a part of several files, or several parts of one: such parts follow each other. */
function blobsAndParts(
  plan: RestorePlan,
  { start }: ContentTask,
  parts: readonly PartNumber[],
  { numbers }: FilesOfTask,
): { blobs: TaskBlobs; parts: TaskParts } {
  const fileAt = new Map(numbers.map((number, at) => [number, at]));
  const partColumns = {
    blobs: new Uint32Array(parts.length),
    files: new Uint32Array(parts.length),
    offsets: new Float64Array(parts.length),
  };
  const firsts: PartNumber[] = [];
  for (const [at, part] of parts.entries()) {
    const last = firsts.at(-1);
    if (last === undefined || !plan.isSameBlob(last, part)) firsts.push(part);
    partColumns.blobs[at] = firsts.length - 1;
    partColumns.files[at] = fileAt.get(plan.partFile(part)) ?? 0;
    partColumns.offsets[at] = plan.partOffset(part);
  }
  const ids = new Uint8Array(firsts.length * idBytes);
  for (const [blob, part] of firsts.entries()) ids.set(plan.partIdBytes(part), blob * idBytes);
  return {
    blobs: {
      starts: Uint32Array.from(firsts, (part) => plan.blobOffset(part) - start),
      lengths: Uint32Array.from(firsts, (part) => plan.blobLength(part)),
      uncompressedLengths: Uint32Array.from(firsts, (part) => plan.uncompressedLength(part)),
      ids,
    },
    parts: partColumns,
  };
}

function describeFiles(
  plan: RestorePlan,
  { numbers, whole }: FilesOfTask,
  sparse: (file: FileNumber) => boolean,
): TaskFiles {
  const count = numbers.length;
  const directories: TargetPath[] = [];
  const directoryAt = new Map<DirectoryNumber, number>();
  const files = {
    directoryOf: new Uint32Array(count),
    names: numbers.map((file) => plan.fileName(file)),
    sizes: new Float64Array(count),
    flags: new Uint8Array(count),
    modes: new Uint32Array(count),
    uids: new Uint32Array(count),
    gids: new Uint32Array(count),
    atimesNs: new BigInt64Array(count),
    mtimesNs: new BigInt64Array(count),
  };
  for (const [at, file] of numbers.entries()) {
    const directory = plan.fileDirectory(file);
    const known = directoryAt.get(directory) ?? directories.push(plan.directoryPath(directory)) - 1;
    directoryAt.set(directory, known);
    files.directoryOf[at] = known;
    files.sizes[at] = plan.fileSize(file);
    const metadata = whole.has(file) ? plan.fileMetadata(file) : undefined;
    files.flags[at] =
      (whole.has(file) ? fileFlags.isWhole : 0) +
      (metadata ? fileFlags.isFinished : 0) +
      (sparse(file) ? fileFlags.hasHoles : 0);
    if (!metadata) continue;
    files.modes[at] = metadata.mode;
    files.uids[at] = metadata.uid;
    files.gids[at] = metadata.gid;
    files.atimesNs[at] = metadata.atimeNs;
    files.mtimesNs[at] = metadata.mtimeNs;
  }
  return { directories, ...files };
}
