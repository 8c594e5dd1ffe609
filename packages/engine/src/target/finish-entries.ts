import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Node } from "../format/node.ts";
import { deleteExtra } from "./delete-extra.ts";
import type { TargetPath } from "./file-target.ts";
import { lookAhead } from "./look-ahead.ts";
import { clearPlace } from "./remove-all.ts";
import { type DirectoryNumber, entryPlan, inodeKey, type RestorePlan } from "./restore-plan.ts";
import type { RestoreRun } from "./restore-settings.ts";
import { showPath } from "./show-path.ts";

/**
 * The second way through the trees, once all file contents are in place: links and devices are made, metadata is set, and what is not in the
 * snapshot is deleted if that was asked for.
 *
 * Directories come in the reverse of their order, so what is in a directory is finished before the directory gets its own times and mode, as an
 * entry of the one above it. No link exists before all contents are written: so none can lead a file elsewhere.
 */
export async function finishEntries(run: RestoreRun, plan: RestorePlan): Promise<void> {
  const directories = Array.from({ length: plan.directoryCount }, (_, at) => plan.directoryCount - 1 - at);
  const trees = lookAhead(directories, async (directory) => await readTree(run, plan, directory));
  for (const directory of directories) {
    run.signal.throwIfAborted();
    const nodes = await trees.next(directory);
    const path = plan.directoryPath(directory);
    if (nodes instanceof EngineError) {
      run.report.problem(path, nodes);
      continue;
    }
    if (run.delete && nodes && plan.isDeletingSafe) await deleteExtra(run, path, nodes);
    for (const [position, node] of (nodes ?? []).entries()) {
      run.signal.throwIfAborted();
      await finishEntry(run, plan, { directory, position, node, path: [...path, node.name] });
    }
  }
}

/** Undefined if the tree could not be read before. */
async function readTree(
  run: RestoreRun,
  plan: RestorePlan,
  directory: DirectoryNumber,
): Promise<Node[] | undefined | EngineError> {
  const tree = plan.tree(directory);
  try {
    return tree && (await run.reader.tree(tree));
  } catch (error) {
    if (isEngineError(error, "corrupt-data", "not-found")) return error;
    throw error;
  }
}

interface Entry {
  readonly directory: DirectoryNumber;
  readonly position: number;
  readonly node: Node;
  readonly path: TargetPath;
}

async function finishEntry(
  run: RestoreRun,
  plan: RestorePlan,
  { directory, position, node, path }: Entry,
): Promise<void> {
  const wanted = plan.entry(directory, position);
  if (wanted === entryPlan.leave) return;
  const isCreated = wanted !== entryPlan.metadata;
  try {
    if (isCreated && !run.dryRun) {
      await clearPlace(run, path);
      await create(run, plan, wanted, node, path);
    }
    if (isCreated) run.report.restored(path);
    if (!run.dryRun) await setMetadata(run, node, path);
  } catch (error) {
    run.report.problem(path, error);
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
  node: Node,
  path: TargetPath,
): Promise<void> {
  await target.setMetadata(path, node, {
    ownershipByName,
    onWarning: (at, message) => report.problem(at, new EngineError("target-unwritable", `${showPath(at)}: ${message}`)),
  });
}
