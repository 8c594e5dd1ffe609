import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { compareNames, displayName } from "../format/names.ts";
import { childPath, excludesByTag, excludesPath, excludesSize, isForeign, tagsPresent } from "./backup-rules.ts";
import type { BackupRules, DirectoryContext } from "./backup-rules.ts";
import { existingTargets } from "./existing-targets.ts";
import type { FileSource, FollowLinks, OnSourceWarning, SourceStat } from "./file-source.ts";
import type { ScanProblem } from "./scan-problem.ts";
import { targetTree } from "./target-tree.ts";
import type { ScanTarget, TargetNode } from "./target-tree.ts";

/** `path` is where the entry is in the source; `snapshotPath` where it will be in the snapshot, where the rules of targets may give it another name. */
interface Place {
  readonly name: string;
  readonly path: string;
  readonly snapshotPath: string;
}

/** `details` are what the walk's caller reads of every entry. */
export type WalkEvent<Details> =
  | ({ readonly kind: "enter" } & Place)
  | ({ readonly kind: "file"; readonly stat: SourceStat; readonly details: Details } & Place)
  | ({ readonly kind: "leave"; readonly details: Details } & Place);

export interface WalkOptions<Details> extends Abortable {
  readonly onProblem: (problem: ScanProblem) => void;
  readonly onWarning: OnSourceWarning;
  /** Called once for every entry that goes into the backup; for a directory before its entries. */
  readonly read: (path: string, stat: SourceStat, options: FollowLinks) => Promise<Details>;
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
  const top: Level = { snapshotPath: "", names: sortNames([...planned.keys()]), planned, context: undefined };
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
    yield { kind: "enter", name, path: leave.path, snapshotPath: leave.snapshotPath };
    open.push({ level: below, next: 0, leave });
  }
}

/** A directory's entries, to be visited. */
interface Level {
  readonly snapshotPath: string;
  readonly names: readonly string[];
  /** The entries that lead to targets, or are targets. */
  readonly planned: ReadonlyMap<string, TargetNode>;
  /** Undefined where all entries are planned. */
  readonly context: DirectoryContext | undefined;
}

interface OpenLevel<Details> {
  readonly level: Level;
  next: number;
  readonly leave: Extract<WalkEvent<Details>, { kind: "leave" }> | undefined;
}

type Visited<Details> =
  | Extract<WalkEvent<Details>, { kind: "file" }>
  | {
      readonly kind: "directory";
      readonly level: Level;
      readonly leave: Extract<WalkEvent<Details>, { kind: "leave" }>;
    };

const noTargets: ReadonlyMap<string, TargetNode> = new Map();

class Walker<Details> {
  readonly #source: FileSource;
  readonly #rules: BackupRules;
  readonly #options: WalkOptions<Details>;

  constructor(source: FileSource, rules: BackupRules, options: WalkOptions<Details>) {
    this.#source = source;
    this.#rules = rules;
    this.#options = options;
  }

  /** Undefined for what does not go into the backup. */
  async visit(level: Level, name: string): Promise<Visited<Details> | undefined> {
    const planned = level.planned.get(name);
    const path = planned?.path ?? childPath(level.context?.path ?? "/", name);
    const place = { name, path, snapshotPath: `${level.snapshotPath}/${name}` };
    try {
      return planned && isNamed(planned)
        ? await this.#visitNamed(place, planned, level.context)
        : await this.#visitFound(place, level, planned);
    } catch (error) {
      if (!isEngineError(error, "source-unreadable", "not-found")) throw error;
      this.#options.onProblem({ path, message: error.message, cause: error });
      return undefined;
    }
  }

  /** A target, or a directory on the way to one: no rule leaves it out. `context` is that of a target above it, if there is one. */
  async #visitNamed(
    place: Place,
    { role, below }: TargetNode,
    context: DirectoryContext | undefined,
  ): Promise<Visited<Details> | undefined> {
    // Whoever names `/link/file` means the file behind the link.
    const followLinks = below.size > 0;
    const stat = await this.#source.stat(place.path, { followLinks });
    if (stat.type !== "dir" && role === "way")
      throw new EngineError("source-unreadable", `${displayName(place.path)} is not a directory`);
    if (stat.type !== "dir") return await this.#entry(place, stat);
    const details = await this.#options.read(place.path, stat, { followLinks });
    const isWanted = role === "target" || (context !== undefined && !isForeign(this.#rules, context, stat));
    if (isWanted) return await this.#listed(place, details, stat.deviceId, below);
    return directory(place, details, { names: sortNames([...below.keys()]), planned: below, context: undefined });
  }

  /** An entry of a directory that is backed up. */
  async #visitFound(
    place: Place,
    level: Level,
    planned: TargetNode | undefined,
  ): Promise<Visited<Details> | undefined> {
    const context = planned?.entryOf ?? level.context;
    if (context && excludesByTag(context, place.name)) return undefined;
    if (excludesPath(this.#rules, place.path)) return undefined;
    const stat = await this.#statIfThere(place.path);
    if (!stat || excludesSize(this.#rules, stat)) return undefined;
    const foreign = context !== undefined && isForeign(this.#rules, context, stat);
    if (stat.type !== "dir") return foreign ? undefined : await this.#entry(place, stat);
    const details = await this.#options.read(place.path, stat, {});
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
    const listed = await this.#source.list(path, { followLinks: planned.size > 0 });
    const tags = await tagsPresent(this.#source, this.#rules, path, listed, this.#options.onWarning);
    const names = sortNames(planned.size > 0 ? [...new Set([...listed, ...planned.keys()])] : listed);
    return directory(place, details, { names, planned, context: { path, tags, deviceId } });
  }

  async #entry(place: Place, stat: SourceStat): Promise<Visited<Details> | undefined> {
    // Restic leaves sockets out without a word: they are nothing without the program behind them.
    if (stat.type === "socket") return undefined;
    if (stat.type === "other") {
      this.#options.onProblem({
        path: place.path,
        message: `${displayName(place.path)} is of a kind that can't be backed up`,
      });
      return undefined;
    }
    return { kind: "file", ...place, stat, details: await this.#options.read(place.path, stat, {}) };
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

function directory<Details>(place: Place, details: Details, level: Omit<Level, "snapshotPath">): Visited<Details> {
  return {
    kind: "directory",
    level: { ...level, snapshotPath: place.snapshotPath },
    leave: { kind: "leave", ...place, details },
  };
}

/** In place, by bytes. Without surrogates and what comes after them, UTF-16's order is the bytes' order, and the built-in sort is faster. */
function sortNames(names: string[]): string[] {
  return names.some((name) => /[\ud800-\uffff]/.test(name)) ? names.sort(compareNames) : names.sort();
}
