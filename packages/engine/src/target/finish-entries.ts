import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Node } from "../format/node.ts";
import { deleteExtra } from "./delete-extra.ts";
import type { EntryMetadata, TargetPath } from "./file-target.ts";
import { lookAhead } from "./look-ahead.ts";
import { clearPlace } from "./remove-all.ts";
import { type DirectoryNumber, type EntryPlan, entryPlan, inodeKey, type RestorePlan } from "./restore-plan.ts";
import type { RestoreRun } from "./restore-settings.ts";
import { showPath } from "./show-path.ts";
import type { TreeEntries } from "./tree-entries.ts";

/**
 * What is left once all file contents are in place: links and devices are made, the metadata that is not set yet is set, and what is not in the
 * snapshot is deleted if that was asked for. Trees are read again only for this; most directories are finished by the plan.
 *
 * Directories come in the reverse of their order, so what is in a directory is finished before the directory gets its own times and mode: at
 * once, or as an entry of the one above it. No link exists before all contents are written: so none can lead a file elsewhere.
 */
export async function finishEntries(run: RestoreRun, plan: RestorePlan): Promise<void> {
  const directories = Array.from({ length: plan.directoryCount }, (_, at) => plan.directoryCount - 1 - at);
  const isRead = (directory: DirectoryNumber): boolean => run.delete || plan.hasEntriesToFinish(directory);
  const trees = lookAhead(directories.filter(isRead), async (directory) => await readTree(run, plan, directory));
  for (const directory of directories) {
    run.signal.throwIfAborted();
    if (isRead(directory)) await finishIn(run, plan, directory, await trees.next(directory));
    const metadata = plan.directoryMetadata(directory);
    const path = plan.directoryPath(directory);
    if (metadata && !run.dryRun) await orProblem(run, path, async () => await setMetadata(run, metadata, path));
  }
}

async function finishIn(
  run: RestoreRun,
  plan: RestorePlan,
  directory: DirectoryNumber,
  entries: TreeEntries | undefined | EngineError,
): Promise<void> {
  const path = plan.directoryPath(directory);
  if (entries instanceof EngineError) {
    run.report.problem(path, entries);
    return;
  }
  if (!entries) return;
  if (run.delete && plan.isDeletingSafe) await deleteExtra(run, path, entries);
  for (let row = 0; row < entries.count; row += 1) {
    run.signal.throwIfAborted();
    const wanted = plan.entry(directory, row);
    if (wanted === entryPlan.leave) continue;
    const node = entries.node(row);
    await finishEntry(run, plan, { wanted, node, path: [...path, node.name] });
  }
  entries.free();
}

/** Undefined if the tree could not be read before. */
async function readTree(
  run: RestoreRun,
  plan: RestorePlan,
  directory: DirectoryNumber,
): Promise<TreeEntries | undefined | EngineError> {
  const tree = plan.tree(directory);
  try {
    return tree && (await run.reader.tree(tree));
  } catch (error) {
    if (isEngineError(error, "corrupt-data", "not-found")) return error;
    throw error;
  }
}

interface Entry {
  readonly wanted: Exclude<EntryPlan, typeof entryPlan.leave>;
  readonly node: Node;
  readonly path: TargetPath;
}

async function finishEntry(run: RestoreRun, plan: RestorePlan, { wanted, node, path }: Entry): Promise<void> {
  const isCreated = wanted !== entryPlan.metadata;
  await orProblem(run, path, async () => {
    if (isCreated && !run.dryRun) {
      await clearPlace(run, path);
      await create(run, plan, wanted, node, path);
    }
    if (isCreated) run.report.restored(path);
    if (!run.dryRun) await setMetadata(run, node, path);
  });
}

async function orProblem({ report }: RestoreRun, path: TargetPath, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    report.problem(path, error);
  }
}

async function create(
  { target }: RestoreRun,
  plan: RestorePlan,
  wanted: typeof entryPlan.create | typeof entryPlan.hardLink,
  node: Node,
  path: TargetPath,
): Promise<void> {
  if (wanted === entryPlan.hardLink) await target.createHardLink(path, firstLink(plan, node, path));
  else if (node.type === "symlink") await target.createSymlink(path, node.linkTarget);
  else await target.createSpecial(path, node);
}

function firstLink(plan: RestorePlan, node: Node, path: TargetPath): TargetPath {
  const first = plan.firstLinks.get(inodeKey(node));
  if (first !== undefined && plan.fileState(first) !== "failed") return plan.filePath(first);
  throw new EngineError(
    "target-unwritable",
    `${showPath(path)} can't be linked: the file it shares its content with could not be restored`,
  );
}

async function setMetadata(
  { target, ownershipByName, report }: RestoreRun,
  metadata: EntryMetadata,
  path: TargetPath,
): Promise<void> {
  await target.setMetadata(path, metadata, {
    ownershipByName,
    onWarning: (at, message) => report.problem(at, new EngineError("target-unwritable", `${showPath(at)}: ${message}`)),
  });
}
