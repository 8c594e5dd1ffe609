import { EngineError } from "../../errors/engine-error.ts";
import type { Node } from "../../format/node.ts";
import type {
  EntryMetadata,
  FileTarget,
  MetadataOptions,
  TargetEntry,
  TargetFile,
  TargetPath,
} from "../../target/file-target.ts";
import { plainNameProblem } from "../../target/plain-name.ts";
import { joinPath, showPath } from "../../target/show-path.ts";
import { writeInSteps } from "../../target/write-in-steps.ts";

/** What was restored to one place. Hard links share one entry. */
export interface MemoryEntry {
  readonly type: Node["type"];
  /** Of a directory. */
  readonly children: Map<string, MemoryEntry>;
  /** Of a file. */
  bytes: Uint8Array;
  /** Of a symbolic link. */
  readonly linkTarget: string;
  links: number;
  mtimeNs: bigint;
  /** Whose metadata was set last; undefined before. */
  metadata: EntryMetadata | undefined;
}

/** A target in memory, which keeps the promises of the real ones, and shows what it got. */
export class MemoryTarget implements FileTarget {
  readonly label = "memory";
  readonly isWholeSystem = false;
  /** Everything that was called to change something, in order, such as `createFile /a`. */
  readonly changes: string[] = [];
  readonly #diskBytes: number;
  #root: MemoryEntry | undefined;
  #usedBytes = 0;

  constructor({ diskBytes = Infinity }: { readonly diskBytes?: number } = {}) {
    this.#diskBytes = diskBytes;
  }

  /** What is at a path such as `/a/b`. */
  entry(path: string): MemoryEntry | undefined {
    return this.#find(path.split("/").filter((name) => name !== ""));
  }

  /** All paths below the root with a file's content as text, a link as `-> target`, anything else by its type. */
  contents(): Record<string, string> {
    const found: Record<string, string> = {};
    const walk = (path: string, directory: MemoryEntry): void => {
      for (const [name, entry] of directory.children) {
        found[`${path}/${name}`] = describe(entry);
        walk(`${path}/${name}`, entry);
      }
    };
    if (this.#root) walk("", this.#root);
    return found;
  }

  nameProblem(name: string): string | undefined {
    return plainNameProblem(name);
  }

  nameKey(name: string): string {
    return name;
  }

  stat(path: TargetPath): Promise<TargetEntry | undefined> {
    return settle(() => {
      const entry = this.#find(path);
      if (!entry) return undefined;
      const { type, bytes, mtimeNs, links } = entry;
      return { type, size: bytes.length, mtimeNs, links: BigInt(links) };
    });
  }

  list(path: TargetPath): Promise<string[]> {
    return settle(() => [...this.#directory(path).children.keys()]);
  }

  makeDirectory(path: TargetPath): Promise<"made" | "existed"> {
    return settle(() => {
      const there = this.#find(path);
      if (there?.type === "dir") return "existed";
      this.changes.push(`makeDirectory ${joinPath(path)}`);
      if (path.length === 0) this.#root = newEntry("dir");
      else this.#put(path, newEntry("dir"));
      return "made";
    });
  }

  createFile(path: TargetPath): Promise<TargetFile> {
    return settle(() => {
      const entry = newEntry("file");
      this.#put(path, entry);
      this.changes.push(`createFile ${joinPath(path)}`);
      return this.#open(path, entry, "update");
    });
  }

  async writeNewFile(
    path: TargetPath,
    bytes: Uint8Array,
    metadata: EntryMetadata | undefined,
    options: MetadataOptions,
  ): Promise<void> {
    await writeInSteps(this, path, bytes, metadata, options);
  }

  openFile(path: TargetPath, access: "read" | "update"): Promise<TargetFile> {
    return settle(() => this.#open(path, this.#file(path), access));
  }

  createSymlink(path: TargetPath, linkTarget: string): Promise<void> {
    return settle(() => {
      this.#put(path, { ...newEntry("symlink"), linkTarget });
      this.changes.push(`createSymlink ${joinPath(path)}`);
    });
  }

  createHardLink(path: TargetPath, existing: TargetPath): Promise<void> {
    return settle(() => {
      const entry = this.#file(existing);
      this.#put(path, entry);
      entry.links += 1;
      this.changes.push(`createHardLink ${joinPath(path)}`);
    });
  }

  createSpecial(path: TargetPath, node: Node): Promise<void> {
    return settle(() => {
      this.#put(path, newEntry(node.type));
      this.changes.push(`createSpecial ${joinPath(path)}`);
    });
  }

  remove(path: TargetPath): Promise<void> {
    return settle(() => {
      const entry = this.#find(path);
      if (!entry) return;
      if (entry.children.size > 0) throw unwritable(`${showPath(path)} is not empty`);
      this.#directory(path.slice(0, -1)).children.delete(path.at(-1) ?? "");
      entry.links -= 1;
      this.changes.push(`remove ${joinPath(path)}`);
    });
  }

  setMetadata(path: TargetPath, metadata: EntryMetadata): Promise<void> {
    return settle(() => this.#setMetadata(path, this.#find(path), metadata));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #setMetadata(path: TargetPath, entry: MemoryEntry | undefined, metadata: EntryMetadata): void {
    if (entry?.type !== metadata.type) throw unwritable(`${showPath(path)} is no ${metadata.type}`);
    entry.metadata = metadata;
    entry.mtimeNs = metadata.mtimeNs;
    this.changes.push(`setMetadata ${joinPath(path)}`);
  }

  #find(path: TargetPath): MemoryEntry | undefined {
    let entry = this.#root;
    for (const [depth, name] of path.entries()) {
      requirePlainName(path, name);
      if (entry && entry.type !== "dir") throw unwritable(`${showPath(path.slice(0, depth))} is no directory`);
      entry = entry?.children.get(name);
    }
    return entry;
  }

  #directory(path: TargetPath): MemoryEntry {
    const entry = this.#find(path);
    if (entry?.type !== "dir") throw unwritable(`${showPath(path)} is no directory`);
    return entry;
  }

  #file(path: TargetPath): MemoryEntry {
    const entry = this.#find(path);
    if (entry?.type !== "file") throw unwritable(`${showPath(path)} is no regular file`);
    return entry;
  }

  #put(path: TargetPath, entry: MemoryEntry): void {
    const name = path.at(-1) ?? "";
    requirePlainName(path, name);
    const { children } = this.#directory(path.slice(0, -1));
    if (children.has(name)) throw unwritable(`Could not create ${showPath(path)}: something is there already`);
    children.set(name, entry);
  }

  #open(path: TargetPath, entry: MemoryEntry, access: "read" | "update"): TargetFile {
    const resize = (size: number): void => {
      if (access === "read") throw unwritable(`${showPath(path)} is open for reading`);
      this.#usedBytes += size - entry.bytes.length;
      if (this.#usedBytes > this.#diskBytes) {
        this.#usedBytes -= size - entry.bytes.length;
        throw unwritable(`Could not write to ${showPath(path)}: the disk is full`);
      }
      const bytes = new Uint8Array(size);
      bytes.set(entry.bytes.subarray(0, size));
      entry.bytes = bytes;
    };
    let isClosed = false;
    return {
      write: async (offset, bytes) => {
        // Not at once, as a disk: somebody may close the file meanwhile.
        await Promise.resolve();
        if (isClosed) throw unwritable(`${showPath(path)} was closed while it was written`);
        resize(Math.max(entry.bytes.length, offset + bytes.length));
        entry.bytes.set(bytes, offset);
        this.changes.push(`write ${joinPath(path)} ${offset}+${bytes.length}`);
      },
      read: (offset, length) => settle(() => entry.bytes.slice(offset, offset + length)),
      truncate: (size) => settle(() => resize(size)),
      setMetadata: (metadata) => settle(() => this.#setMetadata(path, entry, metadata)),
      [Symbol.asyncDispose]: () => settle(() => void (isClosed = true)),
    };
  }
}

/** `diskBytes` is how much fits in before the disk is full. */
export function memoryTarget(options?: { readonly diskBytes?: number }): MemoryTarget {
  return new MemoryTarget(options);
}

function newEntry(type: Node["type"]): MemoryEntry {
  const bytes = new Uint8Array();
  return { type, children: new Map(), bytes, linkTarget: "", links: 1, mtimeNs: 0n, metadata: undefined };
}

function describe({ type, bytes, linkTarget }: MemoryEntry): string {
  if (type === "file") return new TextDecoder().decode(bytes);
  return type === "symlink" ? `-> ${linkTarget}` : type;
}

function requirePlainName(path: TargetPath, name: string): void {
  const problem = plainNameProblem(name);
  if (problem !== undefined) throw unwritable(`${showPath(path)} can't be restored: a name in it ${problem}`);
}

function unwritable(message: string): EngineError {
  return new EngineError("target-unwritable", message);
}

/** A call that throws becomes one that rejects. */
async function settle<Result>(work: () => Result): Promise<Result> {
  return await Promise.resolve(work());
}
