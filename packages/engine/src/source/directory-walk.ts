import { EntryTable } from "../format/entry-table.ts";
import { compareNames, sortNames } from "../format/names.ts";
import { childPath } from "./backup-rules.ts";
import type { EntriesOptions, FileSource } from "./file-source.ts";

/** Where a walk through directories begins. */
export interface DirectoryWalkStart {
  /** A directory that is not part of it itself. */
  readonly path: string;
  /** Directories in it, in the order of their bytes. */
  readonly names: readonly string[];
  /** The file system that all of it is on: a mount below may never answer. */
  readonly deviceId: bigint;
}

interface Level {
  readonly path: string;
  readonly names: readonly string[];
  next: number;
}

/** A directory with more entries is not listed here: it is worked on bit by bit elsewhere, and its memory is needed once. */
const entriesMax = 8192;

/** Lists directory after directory in the order in which `walk` comes to them, without any rules. */
export class DirectoryWalk {
  readonly #source: Pick<FileSource, "entries">;
  readonly #options: Pick<EntriesOptions, "withAtime">;
  readonly #deviceId: bigint;
  readonly #levels: Level[];
  /** Of the directory that `next` told last, if it was listed. */
  readonly entries = new EntryTable();

  constructor(
    source: Pick<FileSource, "entries">,
    { path, names, deviceId }: DirectoryWalkStart,
    options: Pick<EntriesOptions, "withAtime">,
  ) {
    this.#source = source;
    this.#options = options;
    this.#deviceId = deviceId;
    this.#levels = [{ path, names, next: 0 }];
  }

  /** The next directory that is not before `from`; undefined if that was the last. Those on the way down to `from` come as well. */
  async next(from: string): Promise<{ readonly path: string; readonly isListed: boolean } | undefined> {
    for (let level = this.#levels.at(-1); level; level = this.#levels.at(-1)) {
      const name = level.names[level.next];
      level.next += 1;
      if (name === undefined) {
        this.#levels.pop();
        continue;
      }
      const path = childPath(level.path, name);
      if (compareInWalk(path, from) < 0 && !from.startsWith(`${path}/`)) continue;
      const isListed = await this.#list(path);
      if (isListed) this.#levels.push({ path, names: sortNames(this.#directories()), next: 0 });
      return { path, isListed };
    }
    return undefined;
  }

  async #list(path: string): Promise<boolean> {
    let count = 0;
    const wants = () => {
      count += 1;
      if (count > entriesMax) throw new Error("too many entries");
      return true;
    };
    try {
      await this.#source.entries(path, this.entries, { ...this.#options, wants });
      return true;
    } catch {
      // Whoever comes to it asks for it again, and so hears why.
      return false;
    }
  }

  #directories(): string[] {
    const { entries } = this;
    const names: string[] = [];
    for (let row = 0; row < entries.count; row += 1)
      if (entries.type(row) === "dir" && entries.deviceId(row) === this.#deviceId) names.push(entries.name(row));
    return names;
  }
}

/** Orders paths as `walk` comes to them: negative, zero or positive. */
export function compareInWalk(a: string, b: string): number {
  if (a === b) return 0;
  const partsA = a.split("/");
  const partsB = b.split("/");
  for (let at = 0; at < Math.min(partsA.length, partsB.length); at += 1) {
    const order = compareNames(partsA[at] ?? "", partsB[at] ?? "");
    if (order !== 0) return order;
  }
  return partsA.length - partsB.length;
}
