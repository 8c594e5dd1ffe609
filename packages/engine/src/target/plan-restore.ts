import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { BlobId, ObjectId } from "../format/ids.ts";
import { compareNames, displayName } from "../format/names.ts";
import type { Node } from "../format/node.ts";
import { everything } from "../pattern/path-filter.ts";
import type { TargetEntry, TargetPath } from "./file-target.ts";
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
import type { RestoreRun } from "./restore-settings.ts";
import { joinPath, showPath } from "./show-path.ts";

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
  readonly node: Node | undefined;
  /** Where its node is in the parent's tree. */
  readonly position: number;
  readonly nodes: readonly Node[] | undefined;
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
    const nodes = await this.#run.reader.tree(tree);
    const exists = (await this.#run.target.stat([])) !== undefined;
    if (!this.#run.dryRun) await this.#run.target.makeDirectory([]);
    const number = this.plan.addDirectory(0, "", tree, nodes.length);
    const made = { number, isFresh: !exists };
    await this.#planEntries({ parent: undefined, path: [], node: undefined, position: 0, nodes, made });
  }

  async #planEntries(place: Place): Promise<void> {
    const nodes = place.nodes ?? [];
    const subtrees = lookAhead(
      nodes.filter((node) => node.type === "dir" && this.#isEntered(place, node)),
      async (node) => await this.#readSubtree(node),
    );
    for (const [position, node] of nodes.entries()) {
      this.#run.signal.throwIfAborted();
      const path = [...place.path, node.name];
      const problem = this.#nameProblem(node.name, nodes[position - 1]?.name);
      if (problem !== undefined) {
        // What a tree with such a name says about its directory is not to be trusted with deleting.
        this.plan.isDeletingSafe = false;
        this.#fail(path, "corrupt-data", `${showPath(path)} can't be restored: its name ${problem}`);
      } else if (node.type === "dir") {
        if (this.#isEntered(place, node))
          await this.#planDirectory(place, node, position, path, await subtrees.next(node));
      } else if (this.#selects(path, false)) {
        await this.#planEntry(place, node, position, path);
      }
    }
  }

  #nameProblem(name: string, previous: string | undefined): string | undefined {
    const problem = this.#run.target.nameProblem(name);
    if (problem !== undefined) return problem;
    // A name that is there twice could be a link the first time and a directory the second.
    const isInOrder = previous === undefined || compareNames(previous, name) < 0;
    return isInOrder ? undefined : `is out of order after "${displayName(previous)}", so the snapshot is damaged`;
  }

  #selects(path: TargetPath, isDirectory: boolean): boolean {
    return (this.#run.filter ?? everything).includes(joinPath(path), isDirectory).selected;
  }

  #isEntered(place: Place, { name }: Node): boolean {
    const { selected, childMayMatch } = (this.#run.filter ?? everything).includes(
      joinPath([...place.path, name]),
      true,
    );
    return selected || childMayMatch;
  }

  async #readSubtree({ name, subtree }: Node): Promise<Node[] | EngineError> {
    if (!subtree) return new EngineError("corrupt-data", `The directory "${displayName(name)}" has no tree`);
    try {
      return await this.#run.reader.tree(subtree);
    } catch (error) {
      if (isEngineError(error, "corrupt-data", "not-found")) return error;
      throw error;
    }
  }

  async #planDirectory(
    parent: Place,
    node: Node,
    position: number,
    path: TargetPath,
    nodes: Node[] | EngineError,
  ): Promise<void> {
    if (path.length > depthMax) {
      this.#fail(path, "unsupported", `${showPath(path.slice(0, 8))}… goes down more than ${depthMax} directories`);
      return;
    }
    if (nodes instanceof EngineError)
      this.#run.report.problem(
        path,
        new EngineError(nodes.code, `What is in ${showPath(path)} is lost: ${nodes.message}`, { cause: nodes }),
      );
    const readable = nodes instanceof EngineError ? undefined : nodes;
    const place: Place = { parent, path, node, position, nodes: readable, made: undefined };
    if (this.#selects(path, true)) await this.#make(place);
    if (readable) await this.#planEntries(place);
  }

  /** Makes a directory, and those above it, when it is first needed. */
  async #make(place: Place): Promise<Exclude<Place["made"], undefined>> {
    if (place.made !== undefined || !place.parent || !place.node) return place.made ?? "failed";
    const parent = await this.#make(place.parent);
    place.made = "failed";
    if (parent === "failed") return "failed";
    try {
      const isFresh = parent.isFresh || (await this.#clearForDirectory(place.path));
      if (!this.#run.dryRun) await this.#run.target.makeDirectory(place.path);
      const { name, subtree } = place.node;
      const tree = place.nodes ? subtree : undefined;
      const number = this.plan.addDirectory(parent.number, name, tree, place.nodes?.length ?? 0);
      this.plan.setEntry(parent.number, place.position, entryPlan.metadata);
      this.#run.report.planned(0);
      this.#run.report.restored(place.path);
      place.made = { number, isFresh };
    } catch (error) {
      this.#run.report.problem(place.path, error);
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

  async #planEntry(place: Place, node: Node, position: number, path: TargetPath): Promise<void> {
    // A socket without its program is nothing: restic neither stores nor restores them.
    if (node.type === "socket") return;
    if (node.type === "unknown") {
      this.#fail(path, "unsupported", `${showPath(path)} is of a type that SaveOS does not know`);
      return;
    }
    const directory = await this.#make(place);
    if (directory === "failed") return;
    try {
      const existing = directory.isFresh ? undefined : await this.#run.target.stat(path);
      if (!mayOverwrite(this.#run.overwrite, node, existing)) {
        this.#run.report.skipped(path, node.type === "file" ? node.size : 0);
        return;
      }
      if (existing?.type === "dir") await this.#requireReplaceable(path);
      const plan =
        node.type === "file" ? this.#planFile(directory.number, node, position, path, existing) : entryPlan.create;
      this.plan.setEntry(directory.number, position, plan);
      if (plan !== entryPlan.metadata) this.#run.report.planned(0);
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
    node: Node,
    position: number,
    path: TargetPath,
    existing: TargetEntry | undefined,
  ): EntryPlan {
    const parts = this.#locateContent(node, path);
    if (node.links > 1n && this.#isLinkOfEarlier(node)) return entryPlan.hardLink;
    const state = this.#stateOf(node, existing);
    const file = this.plan.addFile(directory, position, node.name, state);
    for (const { id, pack, plainBytes } of parts) this.plan.addPart(id, pack, plainBytes);
    if (node.links > 1n) this.plan.firstLinks.set(inodeKey(node), file);
    if (state === "unchanged") this.#run.report.skipped(path, node.size);
    else this.#run.report.planned(this.plan.fileSize(file));
    return entryPlan.metadata;
  }

  #locateContent({ content, size }: Node, path: TargetPath): { id: BlobId; pack: ObjectId; plainBytes: number }[] {
    if (!content) throw new EngineError("corrupt-data", `${showPath(path)} has no list of contents`);
    let bytes = 0;
    const parts = content.map((id) => {
      const location = this.#run.reader.locate(id);
      if (!location)
        throw new EngineError("corrupt-data", `${showPath(path)} can't be restored: its blob ${id} is in no index`);
      bytes += location.plainBytes;
      return { id, ...location };
    });
    if (bytes !== size)
      this.#fail(path, "corrupt-data", `${showPath(path)} should have ${size} bytes, but its contents have ${bytes}`);
    return parts;
  }

  /** Whether an earlier file of the plan is the same inode, and has the same content: one may have been reused while the backup ran. */
  #isLinkOfEarlier(node: Node): boolean {
    const first = this.plan.firstLinks.get(inodeKey(node));
    if (first === undefined) return false;
    const content = node.content ?? [];
    const parts = [...this.plan.partsOf(first)];
    return parts.length === content.length && parts.every((part, at) => this.plan.partId(part) === content[at]);
  }

  #stateOf(node: Node, existing: TargetEntry | undefined): FileState {
    if (!existing) return "new";
    if (existing.type !== "file") return "replace";
    if (isTrusted(this.#run.overwrite, node, existing)) return "unchanged";
    // Writing into a file with several links would change the others, too, which may lie outside the target.
    return existing.links > 1n ? "replace" : "update";
  }

  #fail(path: TargetPath, code: EngineError["code"], message: string): void {
    this.#run.report.problem(path, new EngineError(code, message));
  }
}
