import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { BlobId } from "../format/ids.ts";
import { compareNames, displayName } from "../format/names.ts";
import type { Node } from "../format/node.ts";
import type { EntryMetadata, TargetEntry, TargetPath } from "./file-target.ts";
import { isTrusted, mayOverwrite } from "./overwrite.ts";
import { lookAhead } from "./look-ahead.ts";
import {
  type DirectoryNumber,
  type EntryPlan,
  entryPlan,
  type FileState,
  inodeKey,
  RestorePlan,
} from "./restore-plan.ts";
import { isPlannable } from "./planned-metadata.ts";
import type { RestoreRun } from "./restore-settings.ts";
import type { BlobPlace } from "./snapshot-reader.ts";
import { joinPath, showPath } from "./show-path.ts";
import type { TreeEntries } from "./tree-entries.ts";

/** Linux takes paths of 4096 bytes, so no program can name what lies deeper than half of that. A hostile snapshot could go on for ever. */
const depthMax = 2048;

/**
 * Walks the trees once, in order: makes the directories, looks at what is there, and decides for each entry. File contents, links and metadata
 * come later, by the plan. What can't be restored is reported and left out.
 */
export async function planRestore(run: RestoreRun, rootTree: BlobId): Promise<RestorePlan> {
  const planner = new Planner(run);
  await planner.planRoot(rootTree);
  return planner.plan;
}

/** A directory of the snapshot on the way down. */
interface Place {
  readonly parent: Place | undefined;
  readonly path: TargetPath;
  /** Where it is in the parent's tree. */
  readonly row: number;
  /** What is in it; undefined if that is lost. */
  readonly entries: TreeEntries | undefined;
  /** Undefined until something in it is restored; then it is made. "failed" if it can't be. */
  made: { readonly number: DirectoryNumber; readonly isFresh: boolean } | "failed" | undefined;
}

class Planner {
  readonly plan = new RestorePlan();
  readonly #run: RestoreRun;

  constructor(run: RestoreRun) {
    this.#run = run;
  }

  async planRoot(tree: BlobId): Promise<void> {
    const entries = await this.#run.reader.tree(tree);
    const exists = (await this.#run.target.stat([])) !== undefined;
    if (!this.#run.dryRun) await this.#run.target.makeDirectory([]);
    const number = this.plan.addDirectory(0, "", tree, entries.count, undefined);
    const made = { number, isFresh: !exists };
    await this.#planEntries({ parent: undefined, path: [], row: 0, entries, made }, entries);
  }

  async #planEntries(place: Place, entries: TreeEntries): Promise<void> {
    const entered = rowsOf(entries).filter(
      (row) => entries.type(row) === "dir" && this.#isEntered(place, entries, row),
    );
    const subtrees = lookAhead(entered, async (row) => await this.#readSubtree(entries, row));
    let nextEntered = 0;
    let previous: string | undefined;
    for (let row = 0; row < entries.count; row += 1) {
      this.#run.signal.throwIfAborted();
      const name = entries.name(row);
      const problem = this.#nameProblem(name, previous);
      previous = name;
      const isEntered = entered[nextEntered] === row;
      if (isEntered) nextEntered += 1;
      if (problem !== undefined) {
        const path = [...place.path, name];
        // What a tree with such a name says about its directory is not to be trusted with deleting.
        this.plan.isDeletingSafe = false;
        this.#fail(path, "corrupt-data", `${showPath(path)} can't be restored: its name ${problem}`);
      } else if (isEntered) {
        await this.#planDirectory(place, row, [...place.path, name], await subtrees.next(row));
      } else if (entries.type(row) !== "dir" && this.#selects(place.path, name, false).selected) {
        await this.#planEntry(place, entries, row, name);
      }
    }
    entries.free();
  }

  #nameProblem(name: string, previous: string | undefined): string | undefined {
    const problem = this.#run.target.nameProblem(name);
    if (problem !== undefined) return problem;
    // A name that is there twice could be a link the first time and a directory the second.
    const isInOrder = previous === undefined || compareNames(previous, name) < 0;
    return isInOrder ? undefined : `is out of order after "${displayName(previous)}", so the snapshot is damaged`;
  }

  #selects(directory: TargetPath, name: string, isDirectory: boolean): { selected: boolean; childMayMatch: boolean } {
    const { filter } = this.#run;
    return filter ? filter.includes(joinPath([...directory, name]), isDirectory) : everythingSelected;
  }

  #isEntered(place: Place, entries: TreeEntries, row: number): boolean {
    const { selected, childMayMatch } = this.#selects(place.path, entries.name(row), true);
    return selected || childMayMatch;
  }

  async #readSubtree(entries: TreeEntries, row: number): Promise<TreeEntries | EngineError> {
    const subtree = entries.subtree(row);
    if (!subtree)
      return new EngineError("corrupt-data", `The directory "${displayName(entries.name(row))}" has no tree`);
    try {
      return await this.#run.reader.tree(subtree);
    } catch (error) {
      if (isEngineError(error, "corrupt-data", "not-found")) return error;
      throw error;
    }
  }

  async #planDirectory(parent: Place, row: number, path: TargetPath, read: TreeEntries | EngineError): Promise<void> {
    if (path.length > depthMax) {
      this.#fail(path, "unsupported", `${showPath(path.slice(0, 8))}… goes down more than ${depthMax} directories`);
      return;
    }
    if (read instanceof EngineError)
      this.#run.report.problem(
        path,
        new EngineError(read.code, `What is in ${showPath(path)} is lost: ${read.message}`, { cause: read }),
      );
    const entries = read instanceof EngineError ? undefined : read;
    const place: Place = { parent, path, row, entries, made: undefined };
    if (this.#selects(parent.path, path.at(-1) ?? "", true).selected) await this.#make(place);
    if (entries) await this.#planEntries(place, entries);
  }

  /** Makes a directory, and those above it, when it is first needed. */
  async #make(place: Place): Promise<Exclude<Place["made"], undefined>> {
    const { parent: above, path, row, entries } = place;
    if (place.made !== undefined || !above?.entries) return place.made ?? "failed";
    const parent = await this.#make(above);
    place.made = "failed";
    if (parent === "failed") return "failed";
    try {
      const isFresh = parent.isFresh || (await this.#clearForDirectory(path));
      if (!this.#run.dryRun) await this.#run.target.makeDirectory(path);
      const tree = entries ? above.entries.subtree(row) : undefined;
      const metadata = this.#plannedMetadata(above.entries, row);
      const number = this.plan.addDirectory(parent.number, path.at(-1) ?? "", tree, entries?.count ?? 0, metadata);
      if (!metadata) this.plan.setEntry(parent.number, row, entryPlan.metadata);
      this.#run.report.planned(0);
      this.#run.report.restored(path);
      place.made = { number, isFresh };
    } catch (error) {
      this.#run.report.problem(path, error);
    }
    return place.made;
  }

  /** True if a directory can be made there, false if one is there. Whatever else is there is removed. */
  async #clearForDirectory(path: TargetPath): Promise<boolean> {
    const existing = await this.#run.target.stat(path);
    if (!existing) return true;
    if (existing.type === "dir") return false;
    if (this.#run.overwrite === "never")
      throw new EngineError("target-unwritable", `${showPath(path)} is there already and no directory`);
    if (!this.#run.dryRun) await this.#run.target.remove(path);
    return true;
  }

  async #planEntry(place: Place, entries: TreeEntries, row: number, name: string): Promise<void> {
    const type = entries.type(row);
    // A socket without its program is nothing: restic neither stores nor restores them.
    if (type === "socket") return;
    const path = [...place.path, name];
    if (type === "unknown") {
      this.#fail(path, "unsupported", `${showPath(path)} is of a type that SaveOS does not know`);
      return;
    }
    const directory = await this.#make(place);
    if (directory === "failed") return;
    try {
      const existing = directory.isFresh ? undefined : await this.#run.target.stat(path);
      if (existing && !mayOverwrite(this.#run.overwrite, entries.node(row), existing)) {
        this.#run.report.skipped(path, type === "file" ? entries.size(row) : 0);
        return;
      }
      if (existing?.type === "dir") await this.#requireReplaceable(path);
      const plan = type === "file" ? this.#planFile(directory.number, entries, row, path, existing) : entryPlan.create;
      this.plan.setEntry(directory.number, row, plan);
      if (plan === entryPlan.create || plan === entryPlan.hardLink) this.#run.report.planned(0);
    } catch (error) {
      this.#run.report.problem(path, error);
    }
  }

  /** A directory with something in it gives way only if deleting was asked for. */
  async #requireReplaceable(path: TargetPath): Promise<void> {
    if (this.#run.delete || (await this.#run.target.list(path)).length === 0) return;
    throw new EngineError("target-unwritable", `${showPath(path)} is a directory there, with something in it`, {
      hint: "Move it away, or restore with --delete to have it replaced.",
    });
  }

  #planFile(
    directory: DirectoryNumber,
    entries: TreeEntries,
    row: number,
    path: TargetPath,
    existing: TargetEntry | undefined,
  ): EntryPlan {
    const parts = this.#locateContent(entries, row, path);
    const links = entries.hasLinks(row) ? inodeKey(entries.node(row)) : undefined;
    if (links !== undefined && this.#isLinkOfEarlier(links, parts)) return entryPlan.hardLink;
    const state = existing ? this.#stateOf(entries.node(row), existing) : "new";
    // Reading a file to verify it would change its times; and what was there before may have attributes that must go.
    const isOurs = state === "new" || state === "replace";
    const metadata = isOurs && !this.#run.verify ? this.#plannedMetadata(entries, row) : undefined;
    const file = this.plan.addFile(directory, row, path.at(-1) ?? "", { state, metadata });
    for (const { id, place } of parts) this.plan.addPart(id, place);
    if (links !== undefined) this.plan.firstLinks.set(links, file);
    if (state === "unchanged") this.#run.report.skipped(path, entries.size(row));
    else this.#run.report.planned(this.plan.fileSize(file));
    return metadata ? entryPlan.leave : entryPlan.metadata;
  }

  /** What the plan keeps to be set on the entry; undefined if its node is needed for that. */
  #plannedMetadata(entries: TreeEntries, row: number): EntryMetadata | undefined {
    const metadata = this.#run.ownershipByName ? undefined : entries.simpleMetadata(row);
    return metadata && isPlannable(metadata) ? metadata : undefined;
  }

  #locateContent(entries: TreeEntries, row: number, path: TargetPath): PlannedPart[] {
    const count = entries.contentCount(row);
    if (count === undefined) throw new EngineError("corrupt-data", `${showPath(path)} has no list of contents`);
    const parts: PlannedPart[] = [];
    let bytes = 0;
    for (let number = 0; number < count; number += 1) {
      const id = entries.contentId(row, number);
      const place = this.#run.reader.locate(id);
      if (!place)
        throw new EngineError("corrupt-data", `${showPath(path)} can't be restored: its blob ${id} is in no index`);
      bytes += place.plainBytes;
      parts.push({ id, place });
    }
    const size = entries.size(row);
    if (bytes !== size)
      this.#fail(path, "corrupt-data", `${showPath(path)} should have ${size} bytes, but its contents have ${bytes}`);
    return parts;
  }

  /** Whether an earlier file of the plan is the same inode, and has the same content: one may have been reused while the backup ran. */
  #isLinkOfEarlier(links: string, parts: readonly PlannedPart[]): boolean {
    const first = this.plan.firstLinks.get(links);
    if (first === undefined) return false;
    const known = [...this.plan.partsOf(first)];
    return known.length === parts.length && known.every((part, at) => this.plan.partId(part) === parts[at]?.id);
  }

  #stateOf(node: Node, existing: TargetEntry): FileState {
    if (existing.type !== "file") return "replace";
    if (isTrusted(this.#run.overwrite, node, existing)) return "unchanged";
    // Writing into a file with several links would change the others, too, which may lie outside the target.
    return existing.links > 1n ? "replace" : "update";
  }

  #fail(path: TargetPath, code: EngineError["code"], message: string): void {
    this.#run.report.problem(path, new EngineError(code, message));
  }
}

interface PlannedPart {
  readonly id: BlobId;
  readonly place: BlobPlace;
}

const everythingSelected = { selected: true, childMayMatch: true };

function rowsOf({ count }: TreeEntries): number[] {
  return Array.from({ length: count }, (_, row) => row);
}
