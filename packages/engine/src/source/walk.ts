import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { EntryTable } from "../format/entry-table.ts";
import { compareNames, displayName } from "../format/names.ts";
import {
  childPath,
  excludesByTag,
  excludesPath,
  excludesSize,
  isForeign,
  mayExcludeBelow,
  tagsPresent,
} from "./backup-rules.ts";
import type { BackupRules, DirectoryContext } from "./backup-rules.ts";
import { existingTargets } from "./existing-targets.ts";
import type { FileSource, FollowLinks, OnSourceWarning, SourceStat } from "./file-source.ts";
import type { ScanProblem } from "./scan-problem.ts";
import { targetTree } from "./target-tree.ts";
import type { ScanTarget, TargetNode } from "./target-tree.ts";

/** `path` is where the entry is in the source; `snapshotPath` where it will be in the snapshot, where the rules of targets may give it another name. */
export interface Place {
  readonly name: string;
  readonly path: string;
  readonly snapshotPath: string;
}

/** `details` are what the walk's caller reads of every entry. */
export type WalkEvent<Details> =
  | ({ readonly kind: "enter"; readonly details: Details } & Place)
  | ({ readonly kind: "file"; readonly stat: SourceStat; readonly details: Details } & Place)
  | ({ readonly kind: "leave"; readonly details: Details } & Place);

export interface WalkOptions<Details> extends Abortable {
  readonly onProblem: (problem: ScanProblem) => void;
  readonly onWarning: OnSourceWarning;
  /** The details of the directory above all others, which has no path of its own. */
  readonly top?: Details | undefined;
  /** Called once for every entry that goes into the backup, with the details of the directory it is in; for a directory before its entries. */
  readonly read: (place: Place, stat: SourceStat, above: Details | undefined, options: FollowLinks) => Promise<Details>;
  /**
   * Whether entries of a directory with these details can be told by its listing alone: then `take` is called for each of them that the rules
   * choose, and what it takes gets no event.
   */
  readonly takes?: ((details: Details) => boolean) | undefined;
  readonly take?: ((details: Details, entries: EntryTable, row: number) => boolean) | undefined;
  /** As in `MetadataOptions`: for what `take` is given. */
  readonly withAtime?: boolean | undefined;
}

/**
 * Walks what the targets and the rules choose, in the order and shape of restic's trees: depth first, names in the order of their bytes, a
 * directory's `leave` after all that is in it. What vanishes between the listing and the look at it was never there; what can't be read
 * is a problem, and the walk goes on. Only the name lists of the open directories are in memory.
 */
export async function* walk<Details>(
  source: FileSource,
  targets: readonly ScanTarget[],
  rules: BackupRules,
  options: WalkOptions<Details>,
): AsyncGenerator<WalkEvent<Details>, void, undefined> {
  const walker = new Walker(source, rules, options);
  const planned = targetTree(await existingTargets(source, targets, rules, options));
  const names = sortNames([...planned.keys()]);
  const top: Level<Details> = { snapshotPath: "", names, planned, context: undefined, details: options.top };
  const open: OpenLevel<Details>[] = [{ level: top, next: 0, leave: undefined }];
  for (let current = open[0]; current; current = open.at(-1)) {
    options.signal?.throwIfAborted();
    const { level } = current;
    const name = level.names[current.next];
    if (name === undefined) {
      open.pop();
      if (current.leave) yield current.leave;
      continue;
    }
    current.next += 1;
    if (name === level.names[current.next]) continue;
    const visited = await walker.visit(level, name);
    if (visited?.kind === "file") yield visited;
    if (visited?.kind !== "directory") continue;
    const { level: below, leave } = visited;
    yield { ...leave, kind: "enter" };
    open.push({ level: below, next: 0, leave });
  }
}

/** A directory's entries, to be visited. */
interface Level<Details> {
  readonly snapshotPath: string;
  readonly names: readonly string[];
  /** The entries that lead to targets, or are targets. */
  readonly planned: ReadonlyMap<string, TargetNode>;
  /** Undefined where all entries are planned. */
  readonly context: DirectoryContext | undefined;
  readonly details: Details | undefined;
}

interface OpenLevel<Details> {
  readonly level: Level<Details>;
  next: number;
  readonly leave: Extract<WalkEvent<Details>, { kind: "leave" }> | undefined;
}

type Visited<Details> =
  | Extract<WalkEvent<Details>, { kind: "file" }>
  | {
      readonly kind: "directory";
      readonly level: Level<Details>;
      readonly leave: Extract<WalkEvent<Details>, { kind: "leave" }>;
    };

const noNames: readonly string[] = [];
const noTargets: ReadonlyMap<string, TargetNode> = new Map();

class Walker<Details> {
  readonly #source: FileSource;
  readonly #rules: BackupRules;
  readonly #options: WalkOptions<Details>;
  /** Of the directory that is being entered: its memory is used again for the next one. */
  readonly #entries = new EntryTable();

  constructor(source: FileSource, rules: BackupRules, options: WalkOptions<Details>) {
    this.#source = source;
    this.#rules = rules;
    this.#options = options;
  }

  /** Undefined for what does not go into the backup. */
  async visit(level: Level<Details>, name: string): Promise<Visited<Details> | undefined> {
    const planned = level.planned.get(name);
    const path = planned?.path ?? childPath(level.context?.path ?? "/", name);
    const place = { name, path, snapshotPath: `${level.snapshotPath}/${name}` };
    try {
      return planned && isNamed(planned)
        ? await this.#visitNamed(place, planned, level)
        : await this.#visitFound(place, level, planned);
    } catch (error) {
      if (!isEngineError(error, "source-unreadable", "not-found")) throw error;
      this.#options.onProblem({ path, message: error.message, cause: error });
      return undefined;
    }
  }

  /** A target, or a directory on the way to one: no rule leaves it out. The level has a context if there is a target above it. */
  async #visitNamed(
    place: Place,
    { role, below }: TargetNode,
    { context, details: above }: Level<Details>,
  ): Promise<Visited<Details> | undefined> {
    // Whoever names `/link/file` means the file behind the link.
    const followLinks = below.size > 0;
    const stat = await this.#source.stat(place.path, { followLinks });
    if (stat.type !== "dir" && role === "way")
      throw new EngineError("source-unreadable", `${displayName(place.path)} is not a directory`);
    if (stat.type !== "dir") return await this.#entry(place, stat, above);
    const details = await this.#options.read(place, stat, above, { followLinks });
    const isWanted = role === "target" || (context !== undefined && !isForeign(this.#rules, context, stat));
    if (isWanted) return await this.#listed(place, details, stat.deviceId, below);
    return directory(place, details, { names: sortNames([...below.keys()]), planned: below, context: undefined });
  }

  /** An entry of a directory that is backed up. */
  async #visitFound(
    place: Place,
    level: Level<Details>,
    planned: TargetNode | undefined,
  ): Promise<Visited<Details> | undefined> {
    const context = planned?.entryOf ?? level.context;
    if (context && excludesByTag(context, place.name)) return undefined;
    if (excludesPath(this.#rules, place.path)) return undefined;
    const stat = await this.#statIfThere(place.path);
    if (!stat || excludesSize(this.#rules, stat)) return undefined;
    const foreign = context !== undefined && isForeign(this.#rules, context, stat);
    if (stat.type !== "dir") return foreign ? undefined : await this.#entry(place, stat, level.details);
    const details = await this.#options.read(place, stat, level.details, {});
    if (foreign) return directory(place, details, { names: [], planned: noTargets, context: undefined });
    return await this.#listed(place, details, stat.deviceId, noTargets);
  }

  async #listed(
    place: Place,
    details: Details,
    deviceId: bigint,
    planned: ReadonlyMap<string, TargetNode>,
  ): Promise<Visited<Details>> {
    const { path } = place;
    const followLinks = planned.size > 0;
    const isTold = this.#options.takes?.(details) ?? false;
    const needsNames = !isTold || this.#rules.excludeIfPresent.length > 0;
    const listed = needsNames ? await this.#source.list(path, { followLinks }) : noNames;
    const tags = await tagsPresent(this.#source, this.#rules, path, listed, this.#options.onWarning);
    const context: DirectoryContext = { path, tags, deviceId };
    const left = isTold ? await this.#takeEntries(context, details, planned) : listed;
    const names = sortNames(planned.size > 0 ? [...new Set([...left, ...planned.keys()])] : left);
    return directory(place, details, { names, planned, context });
  }

  /** The names that are left when all that the listing tells enough of is taken. */
  async #takeEntries(
    context: DirectoryContext,
    details: Details,
    planned: ReadonlyMap<string, TargetNode>,
  ): Promise<string[]> {
    const { path, tags } = context;
    const mayExclude = tags.length > 0 || mayExcludeBelow(this.#rules, path);
    const isChosen = (name: string) =>
      !excludesByTag(context, name) && !excludesPath(this.#rules, childPath(path, name));
    const entries = this.#entries;
    await this.#source.entries(path, entries, {
      followLinks: planned.size > 0,
      withAtime: this.#options.withAtime ?? false,
      // What is excluded is not even looked at. Names become strings only if somebody asks for them.
      wants: mayExclude ? (name) => planned.has(name) || isChosen(name) : undefined,
    });
    const left: string[] = [];
    for (let row = 0; row < entries.count; row += 1)
      if (!this.#take(context, details, planned, entries, row)) left.push(entries.name(row));
    // It may have been a directory of a million.
    entries.clear();
    return left;
  }

  #take(
    context: DirectoryContext,
    details: Details,
    planned: ReadonlyMap<string, TargetNode>,
    entries: EntryTable,
    row: number,
  ): boolean {
    const { excludeLargerThanBytes, oneFileSystem } = this.#rules;
    const type = entries.type(row);
    if (type === "socket" || type === "other") return false;
    if (excludeLargerThanBytes !== undefined && entries.size(row) > excludeLargerThanBytes) return false;
    if (oneFileSystem && entries.deviceId(row) !== context.deviceId) return false;
    if (planned.size > 0 && planned.has(entries.name(row))) return false;
    return this.#options.take?.(details, entries, row) ?? false;
  }

  async #entry(place: Place, stat: SourceStat, above: Details | undefined): Promise<Visited<Details> | undefined> {
    // Restic leaves sockets out without a word: they are nothing without the program behind them.
    if (stat.type === "socket") return undefined;
    if (stat.type === "other") {
      this.#options.onProblem({
        path: place.path,
        message: `${displayName(place.path)} is of a kind that can't be backed up`,
      });
      return undefined;
    }
    return { kind: "file", ...place, stat, details: await this.#options.read(place, stat, above, {}) };
  }

  async #statIfThere(path: string): Promise<SourceStat | undefined> {
    try {
      return await this.#source.stat(path);
    } catch (error) {
      if (isEngineError(error, "not-found")) return undefined;
      throw error;
    }
  }
}

/** Entries that merely stand in for their directory are judged by the rules, unless they lead to a target. */
function isNamed({ entryOf, below }: TargetNode): boolean {
  return entryOf === undefined || below.size > 0;
}

function directory<Details>(
  place: Place,
  details: Details,
  level: Omit<Level<Details>, "snapshotPath" | "details">,
): Visited<Details> {
  return {
    kind: "directory",
    level: { ...level, details, snapshotPath: place.snapshotPath },
    leave: { kind: "leave", ...place, details },
  };
}

/** By bytes. Without surrogates and what comes after them, UTF-16's order is the bytes' order, and the built-in sort is faster. */
function sortNames(names: readonly string[]): readonly string[] {
  return names.some((name) => /[\ud800-\uffff]/.test(name)) ? names.toSorted(compareNames) : names.toSorted();
}
