import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import { addEntry, addUnknownEntry } from "../../format/entry-words.ts";
import { goModeFromPosix } from "../../format/file-mode.ts";
import { compareNames, displayName, encodeName } from "../../format/names.ts";
import type { ExtendedAttribute, NodeType } from "../../format/node.ts";
import { cleanPath } from "../../pattern/clean-path.ts";
import type { FileSource, SourceMetadata, SourceStat } from "../../source/file-source.ts";

/** A tree in the fewest words: text or bytes are files, plain objects directories, `entry(…)` anything else or with particulars. */
export interface MemoryTree {
  readonly [name: string]: string | Uint8Array | MemoryEntry | MemoryTree;
}

/** What may be set of an entry; the rest has plain values. */
export interface EntryDetails {
  /** POSIX permission bits with setuid, setgid and sticky. */
  readonly permissions?: number;
  readonly mtimeNs?: bigint;
  readonly atimeNs?: bigint;
  readonly ctimeNs?: bigint;
  readonly uid?: number;
  readonly gid?: number;
  readonly user?: string;
  readonly group?: string;
  readonly deviceId?: bigint;
  readonly device?: bigint;
  readonly extendedAttributes?: readonly ExtendedAttribute[];
  /** Regular files only: said by `stat`, instead of the number of bytes, as if the file changed afterwards. */
  readonly size?: number;
}

/** The same entry put in two places is one file with two hard links. */
export class MemoryEntry {
  readonly type: SourceStat["type"];
  readonly details: EntryDetails;
  readonly bytes: Uint8Array;
  readonly linkTarget: string;
  readonly children: Map<string, MemoryEntry>;

  constructor(
    type: SourceStat["type"],
    details: EntryDetails,
    content: { bytes?: Uint8Array; linkTarget?: string; children?: Map<string, MemoryEntry> } = {},
  ) {
    this.type = type;
    this.details = details;
    this.bytes = content.bytes ?? new Uint8Array();
    this.linkTarget = content.linkTarget ?? "";
    this.children = content.children ?? new Map();
  }
}

export function file(content: string | Uint8Array, details: EntryDetails = {}): MemoryEntry {
  return new MemoryEntry("file", details, { bytes: typeof content === "string" ? encodeName(content) : content });
}

export function directory(tree: MemoryTree, details: EntryDetails = {}): MemoryEntry {
  const children = new Map(Object.entries(tree).map(([name, value]) => [name, entryOf(value)]));
  return new MemoryEntry("dir", details, { children });
}

export function symlink(linkTarget: string, details: EntryDetails = {}): MemoryEntry {
  return new MemoryEntry("symlink", details, { linkTarget });
}

/** A device, fifo, socket, or something of no known kind. */
export function special(
  type: Exclude<SourceStat["type"], "file" | "dir" | "symlink">,
  details: EntryDetails = {},
): MemoryEntry {
  return new MemoryEntry(type, details);
}

type Operation = "stat" | "metadata" | "list" | "read";

/** A source that a test makes, changes and breaks. Paths begin at `/`. */
export interface MemorySource extends FileSource {
  /** Puts something there, in place of what was; directories above it are made. */
  put(path: string, entry: MemoryTree[string]): void;
  remove(path: string): void;
  /** From now on this operation on this path fails so: `source-unreadable` with this message, or `not-found` if it is "vanished". */
  failOn(path: string, operation: Operation, message: string): void;
  /** Called before each operation: a place to change the tree while it is read. */
  beforeEach: (operation: Operation, path: string) => void;
}

/** A source in memory. Names are escaped strings (`format/names.ts`). */
export function memorySource(tree: MemoryTree, options: { readonly pieceBytes?: number } = {}): MemorySource {
  const root = directory(tree);
  const faults = new Map<string, string>();
  const inodes = new Map<MemoryEntry, bigint>();

  const begin = (operation: Operation, path: string) => {
    source.beforeEach(operation, path);
    const message = faults.get(`${operation} ${path}`);
    if (message === "vanished") throw notThere(path);
    if (message !== undefined)
      throw new EngineError("source-unreadable", `${displayName(path)} can't be read: ${message}`);
  };
  const inodeOf = (entry: MemoryEntry) => {
    const inode = inodes.get(entry) ?? BigInt(inodes.size + 1);
    inodes.set(entry, inode);
    return inode;
  };
  const statOf = (entry: MemoryEntry): SourceStat => ({
    type: entry.type,
    size: entry.type === "file" ? (entry.details.size ?? entry.bytes.length) : 0,
    mtimeNs: entry.details.mtimeNs ?? newYear2024Ns,
    ctimeNs: entry.details.ctimeNs ?? newYear2024Ns,
    inode: inodeOf(entry),
    deviceId: entry.details.deviceId ?? 1n,
    links: BigInt(Math.max(1, countLinks(root, entry))),
  });

  const source: MemorySource = {
    beforeEach: () => undefined,
    put(path, value) {
      const { parent, name } = parentOf(root, path, { make: true });
      parent.children.set(name, entryOf(value));
    },
    remove(path) {
      const { parent, name } = parentOf(root, path, { make: false });
      if (!parent.children.delete(name)) throw notThere(path);
    },
    failOn: (path, operation, message) => void faults.set(`${operation} ${path}`, message),

    tellsChanges: true,
    absolute: (path) => cleanPath(path.startsWith("/") ? path : `/${path}`),
    stat(path, { followLinks = false } = {}) {
      begin("stat", path);
      return statOf(find(root, path, followLinks));
    },
    metadata(path, _stat, { withAtime, followLinks = false }) {
      begin("metadata", path);
      const entry = find(root, path, followLinks);
      return metadataOf(path, entry, statOf(entry), withAtime);
    },
    async list(path, { followLinks = false } = {}) {
      begin("list", path);
      const entry = find(root, path, followLinks);
      if (entry.type !== "dir") throw new EngineError("source-unreadable", `${displayName(path)} is not a directory`);
      // In an order that nobody would choose, so that a test notices who relies on one.
      return [...entry.children.keys()].sort((a, b) => -compareNames(a, b));
    },
    async entries(path, entries, { withAtime, wants = () => true, followLinks }) {
      entries.clear();
      const folder = path.endsWith("/") ? path : `${path}/`;
      for (const name of await source.list(path, { followLinks })) {
        if (!wants(name)) continue;
        try {
          const stat = source.stat(folder + name);
          if (stat.type === "other") addUnknownEntry(entries, name);
          else addEntry(entries, name, metadataOf(name, find(root, folder + name, false), stat, withAtime));
        } catch (error) {
          if (!isEngineError(error, "source-unreadable", "not-found")) throw error;
          if (error.code !== "not-found") addUnknownEntry(entries, name);
        }
      }
    },
    async *read(path, { signal } = {}) {
      begin("read", path);
      const entry = find(root, path, false);
      if (entry.type !== "file")
        throw new EngineError("source-unreadable", `${displayName(path)} is not a regular file`);
      const pieceBytes = options.pieceBytes ?? 65_536;
      const piece = new Uint8Array(pieceBytes);
      for (let offset = 0; offset < entry.bytes.length; offset += pieceBytes) {
        signal?.throwIfAborted();
        const part = entry.bytes.subarray(offset, offset + pieceBytes);
        // One buffer for all pieces, as the port allows: a consumer that keeps one finds out.
        piece.set(part);
        yield piece.subarray(0, part.length);
      }
    },
  };
  return source;
}

const newYear2024Ns = 1_704_067_200_000_000_000n;

function metadataOf(path: string, entry: MemoryEntry, stat: SourceStat, withAtime: boolean): SourceMetadata {
  const { type, details } = entry;
  if (type === "other")
    throw new EngineError("source-unreadable", `${displayName(path)} is of a kind that can't be backed up`);
  return {
    name: path.slice(path.lastIndexOf("/") + 1),
    type,
    mode: goModeFromPosix(
      posixTypes[type] | (details.permissions ?? (type === "dir" ? 0o755 : type === "symlink" ? 0o777 : 0o644)),
    ),
    mtimeNs: stat.mtimeNs,
    atimeNs: withAtime ? (details.atimeNs ?? stat.mtimeNs) : stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    uid: details.uid ?? 1000,
    gid: details.gid ?? 1000,
    user: details.user ?? "",
    group: details.group ?? "",
    inode: stat.inode,
    deviceId: stat.deviceId,
    size: stat.size,
    links: type === "dir" || type === "fifo" || type === "socket" ? 0n : stat.links,
    linkTarget: entry.linkTarget,
    extendedAttributes: details.extendedAttributes ?? [],
    genericAttributes: new Map(),
    device: details.device ?? 0n,
  };
}

/** POSIX `S_IF…` by type. */
const posixTypes: Readonly<Record<NodeType, number>> = {
  fifo: 0o010000,
  chardev: 0o020000,
  dir: 0o040000,
  dev: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};

function entryOf(value: MemoryTree[string]): MemoryEntry {
  if (value instanceof MemoryEntry) return value;
  if (typeof value === "string" || value instanceof Uint8Array) return file(value);
  return directory(value);
}

/** Links on the way are followed, as systems do; the last one only if `followLast`. */
function find(root: MemoryEntry, path: string, followLast: boolean, linksLeft = 40): MemoryEntry {
  let place = "";
  let entry = root;
  const names = cleanPath(path)
    .split("/")
    .filter((name) => name !== "");
  for (const [index, name] of names.entries()) {
    const child = entry.type === "dir" ? entry.children.get(name) : undefined;
    if (!child) throw notThere(path);
    if (child.type === "symlink" && (followLast || index < names.length - 1)) {
      if (linksLeft === 0)
        throw new EngineError("source-unreadable", `${displayName(path)} goes through too many links`);
      const target = child.linkTarget.startsWith("/") ? child.linkTarget : `${place}/${child.linkTarget}`;
      return find(root, [target, ...names.slice(index + 1)].join("/"), followLast, linksLeft - 1);
    }
    place += `/${name}`;
    entry = child;
  }
  return entry;
}

function parentOf(
  root: MemoryEntry,
  path: string,
  { make }: { readonly make: boolean },
): { parent: MemoryEntry; name: string } {
  const names = cleanPath(path)
    .split("/")
    .filter((part) => part !== "");
  const name = names.pop();
  if (name === undefined) throw new EngineError("invalid-input", "The root can't be replaced");
  let parent = root;
  for (const part of names) {
    let child = parent.children.get(part);
    if (!child && make) parent.children.set(part, (child = directory({})));
    if (child?.type !== "dir") throw notThere(path);
    parent = child;
  }
  return { parent, name };
}

function countLinks(from: MemoryEntry, wanted: MemoryEntry): number {
  let links = 0;
  for (const child of from.children.values()) links += child === wanted ? 1 : countLinks(child, wanted);
  return links;
}

function notThere(path: string): EngineError {
  return new EngineError("not-found", `${displayName(path)} is not there`);
}
