import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { EntryTable } from "../format/entry-table.ts";
import { displayName, sortNames } from "../format/names.ts";
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
import type { ListingAhead } from "./listing-ahead.ts";
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

/** `enter` opens a directory, `leave` closes it after all that is in it; `File` is what the walk's caller makes of anything else. */
export type WalkEvent<Details, File> = DirectoryEvent<Details> | File;

interface DirectoryEvent<Details> extends Place {
  readonly kind: "enter" | "leave";
  readonly details: Details;
}

export interface WalkOptions<Details, File> extends Abortable {
  readonly onProblem: (problem: ScanProblem) => void;
  readonly onWarning: OnSourceWarning;
  /** The details of the directory above all others, which has no path of its own. */
  readonly top?: Details | undefined;
  /** Called once for every directory that goes into the backup, before its entries, with the details of the directory it is in. */
  readonly enter: (
    place: Place,
    stat: SourceStat,
    above: Details | undefined,
    options: FollowLinks,
  ) => Details | Promise<Details>;
  /** Called once for every other entry. */
  readonly file: (place: Place, stat: SourceStat, above: Details | undefined) => File;
  /**
   * Whether entries of a directory with these details can be told by its listing alone: then `take` is called for each of them that the rules
   * choose, and what it takes gets no event.
   */
  readonly takes?: ((details: Details) => boolean) | undefined;
  readonly take?: ((details: Details, entries: EntryTable, row: number) => boolean) | undefined;
  /** As in `MetadataOptions`: for what `take` is given. */
  readonly withAtime?: boolean | undefined;
  /** Is told of directories with entries to take. */
  readonly ahead?: ListingAhead | undefined;
}

/**
 * Walks what the targets and the rules choose, in the order and shape of restic's trees: depth first, names in the order of their bytes, a
 * directory's `leave` after all that is in it. What vanishes between the listing and the look at it was never there; what can't be read
 * is a problem, and the walk goes on. Only the name lists of the open directories are in memory.
 *
 * Events come together, some neighbours at a time, because waiting for each would cost more than looking at it. None comes after a directory's in
 * one batch: what was opened for it is closed as soon as it is left.
 */
export async function* walk<Details, File>(
  source: FileSource,
  targets: readonly ScanTarget[],
  rules: BackupRules,
  options: WalkOptions<Details, File>,
): AsyncGenerator<readonly WalkEvent<Details, File>[], void, undefined> {
  const walker = new Walker(source, rules, options);
  const planned = targetTree(await existingTargets(source, targets, rules, options));
  const names = sortNames([...planned.keys()]);
  const top: Level<Details> = {
    snapshotPath: "",
    names,
    planned,
    context: undefined,
    mayExclude: true,
    details: options.top,
  };
  const open: OpenLevel<Details>[] = [{ level: top, next: 0, place: undefined }];
  let batch: WalkEvent<Details, File>[] = [];
  for (let current = open[0]; current; current = open.at(-1)) {
    options.signal?.throwIfAborted();
    const pause = source.pauseIfDue?.();
    if (pause) await pause;
    const { level, place } = current;
    const name = level.names[current.next];
    if (name === undefined) {
      open.pop();
      if (place) batch.push({ ...place, kind: "leave", details: level.details as Details });
    } else {
      current.next += 1;
      // A planned name that is listed as well.
      if (name === level.names[current.next]) continue;
      const visited = walker.visit(level, name);
      if (visited?.kind === "directory") {
        const below = await walker.enter(visited, level);
        if (!below) continue;
        batch.push({ ...visited.place, kind: "enter", details: below.details as Details });
        open.push({ level: below, next: 0, place: visited.place });
      } else {
        if (visited) batch.push(visited.event);
        if (batch.length < batchMax) continue;
      }
    }
    // The last level ends here too, so nothing is left when the loop does.
    if (batch.length > 0) yield batch;
    batch = [];
  }
}

/** Looking at so many takes a millisecond or two. */
const batchMax = 128;

/** A directory's entries, to be visited. */
interface Level<Details> {
  readonly snapshotPath: string;
  readonly names: readonly string[];
  /** The entries that lead to targets, or are targets. */
  readonly planned: ReadonlyMap<string, TargetNode>;
  /** Undefined where all entries are planned. */
  readonly context: DirectoryContext | undefined;
  /** False: no pattern matches anything in here. */
  readonly mayExclude: boolean;
  readonly details: Details | undefined;
}

interface OpenLevel<Details> {
  readonly level: Level<Details>;
  next: number;
  /** Undefined for the level above all. */
  readonly place: Place | undefined;
}

type Visited<File> = { readonly kind: "file"; readonly event: File } | FoundDirectory;

interface FoundDirectory extends FollowLinks {
  readonly kind: "directory";
  readonly place: Place;
  readonly stat: SourceStat;
  /** Its entries that lead to targets, or are targets. */
  readonly planned: ReadonlyMap<string, TargetNode>;
  /** False: nothing but those is taken of it. */
  readonly isListed: boolean;
}

const noNames: readonly string[] = [];
const noTargets: ReadonlyMap<string, TargetNode> = new Map();

class Walker<Details, File> {
  readonly #source: FileSource;
  readonly #rules: BackupRules;
  readonly #options: WalkOptions<Details, File>;
  /** Of the directory that is being entered: its memory is used again for the next one. */
  readonly #entries = new EntryTable();

  constructor(source: FileSource, rules: BackupRules, options: WalkOptions<Details, File>) {
    this.#source = source;
    this.#rules = rules;
    this.#options = options;
  }

  /** Undefined for what does not go into the backup. */
  visit(level: Level<Details>, name: string): Visited<File> | undefined {
    const planned = level.planned.get(name);
    const path = planned?.path ?? childPath(level.context?.path ?? "/", name);
    const place = { name, path, snapshotPath: `${level.snapshotPath}/${name}` };
    try {
      return planned && isNamed(planned)
        ? this.#visitNamed(place, planned, level)
        : this.#visitFound(place, level, planned);
    } catch (error) {
      this.#reportUnreadable(path, error);
      return undefined;
    }
  }

  /** Undefined if it can't be read. */
  async enter(found: FoundDirectory, { details: above }: Level<Details>): Promise<Level<Details> | undefined> {
    const { place, stat, planned, followLinks } = found;
    try {
      const details = await this.#options.enter(place, stat, above, { followLinks });
      if (found.isListed) return await this.#listed(found, details);
      const names = sortNames([...planned.keys()]);
      return { snapshotPath: place.snapshotPath, details, names, planned, context: undefined, mayExclude: true };
    } catch (error) {
      this.#reportUnreadable(place.path, error);
      return undefined;
    }
  }

  #reportUnreadable(path: string, error: unknown): void {
    if (!isEngineError(error, "source-unreadable", "not-found")) throw error;
    this.#options.onProblem({ path, message: error.message, cause: error });
  }

  /** A target, or a directory on the way to one: no rule leaves it out. The level has a context if there is a target above it. */
  #visitNamed(
    place: Place,
    { role, below }: TargetNode,
    { context, details: above }: Level<Details>,
  ): Visited<File> | undefined {
    // Whoever names `/link/file` means the file behind the link.
    const followLinks = below.size > 0;
    const stat = this.#source.stat(place.path, { followLinks });
    if (stat.type !== "dir" && role === "way")
      throw new EngineError("source-unreadable", `${displayName(place.path)} is not a directory`);
    if (stat.type !== "dir") return this.#file(place, stat, above);
    const isListed = role === "target" || (context !== undefined && !isForeign(this.#rules, context, stat));
    return { kind: "directory", place, stat, planned: below, followLinks, isListed };
  }

  /** An entry of a directory that is backed up. */
  #visitFound(place: Place, level: Level<Details>, planned: TargetNode | undefined): Visited<File> | undefined {
    const context = planned?.entryOf ?? level.context;
    if (context && excludesByTag(context, place.name)) return undefined;
    // What is planned may lie elsewhere than its name in the snapshot says.
    if ((planned || level.mayExclude) && excludesPath(this.#rules, place.path)) return undefined;
    const stat = this.#statIfThere(place.path);
    if (!stat || excludesSize(this.#rules, stat)) return undefined;
    const isHere = context === undefined || !isForeign(this.#rules, context, stat);
    if (stat.type === "dir") return { kind: "directory", place, stat, planned: noTargets, isListed: isHere };
    return isHere ? this.#file(place, stat, level.details) : undefined;
  }

  async #listed(
    { place, stat: { deviceId }, planned, followLinks }: FoundDirectory,
    details: Details,
  ): Promise<Level<Details>> {
    const { path, snapshotPath } = place;
    const isTold = this.#options.takes?.(details) ?? false;
    const needsNames = !isTold || this.#rules.excludeIfPresent.length > 0;
    const listed = needsNames ? await this.#source.list(path, { followLinks }) : noNames;
    const tags = await tagsPresent(this.#source, this.#rules, path, listed, this.#options.onWarning);
    const context: DirectoryContext = { path, tags, deviceId };
    const mayExclude = mayExcludeBelow(this.#rules, path);
    const left = isTold ? await this.#takeEntries(context, details, planned, mayExclude) : listed;
    const names = sortNames(planned.size > 0 ? [...new Set([...left, ...planned.keys()])] : left);
    return { snapshotPath, details, names, planned, context, mayExclude };
  }

  /** The names that are left when all that the listing tells enough of is taken. */
  async #takeEntries(
    context: DirectoryContext,
    details: Details,
    planned: ReadonlyMap<string, TargetNode>,
    mayExclude: boolean,
  ): Promise<string[]> {
    const { path, tags } = context;
    const isChosen = (name: string) =>
      !excludesByTag(context, name) && !excludesPath(this.#rules, childPath(path, name));
    const { ahead } = this.#options;
    const entries = this.#entries;
    const wasListed = (await ahead?.entries(path, entries)) ?? false;
    if (!wasListed)
      await this.#source.entries(path, entries, {
        followLinks: planned.size > 0,
        withAtime: this.#options.withAtime ?? false,
        // What is excluded is not even looked at. Names become strings only if somebody asks for them.
        wants: mayExclude || tags.length > 0 ? (name) => planned.has(name) || isChosen(name) : undefined,
      });
    const left: string[] = [];
    const directories: string[] = [];
    for (let row = 0; row < entries.count; row += 1) {
      if (this.#take(context, details, planned, entries, row)) continue;
      const name = entries.name(row);
      left.push(name);
      if (ahead && !wasListed && this.#mayListAhead(context, planned, entries, row, name)) directories.push(name);
    }
    // It may have been a directory of a million.
    entries.clear();
    const { deviceId } = context;
    if (directories.length > 0) ahead?.expect({ path, names: sortNames(directories), deviceId });
    return left;
  }

  /** Only what no rule has a say in is looked at ahead, and no other file system: what is left out may be a mount that never answers. */
  #mayListAhead(
    { path, deviceId }: DirectoryContext,
    planned: ReadonlyMap<string, TargetNode>,
    entries: EntryTable,
    row: number,
    name: string,
  ): boolean {
    if (entries.type(row) !== "dir" || entries.deviceId(row) !== deviceId || planned.has(name)) return false;
    return this.#rules.excludeIfPresent.length === 0 && !mayExcludeBelow(this.#rules, childPath(path, name));
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

  #file(place: Place, stat: SourceStat, above: Details | undefined): Visited<File> | undefined {
    // Restic leaves sockets out without a word: they are nothing without the program behind them.
    if (stat.type === "socket") return undefined;
    if (stat.type === "other") {
      this.#options.onProblem({
        path: place.path,
        message: `${displayName(place.path)} is of a kind that can't be backed up`,
      });
      return undefined;
    }
    return { kind: "file", event: this.#options.file(place, stat, above) };
  }

  #statIfThere(path: string): SourceStat | undefined {
    try {
      return this.#source.stat(path);
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
