import { type Stats, promises as fs } from "node:fs";
import { join, parse } from "node:path";
import { EngineError } from "../../errors/engine-error.ts";
import { displayName } from "../../format/names.ts";
import type { Node } from "../../format/node.ts";
import type {
  EntryMetadata,
  FileTarget,
  MetadataOptions,
  TargetEntry,
  TargetFile,
  TargetPath,
} from "../../target/file-target.ts";
import { windowsNameProblem } from "../../target/plain-name.ts";
import { showPath } from "../../target/show-path.ts";
import { writeInSteps } from "../../target/write-in-steps.ts";
import { systemCode, targetError } from "./target-error.ts";

/**
 * A folder as a restore's target on Windows. **Not verified on Windows yet**: its rules are tested on other systems only.
 *
 * Windows has no call that names an entry by an open directory, so every use of a path first resolves the directory it lies in, and
 * refuses unless that is the very path below the root: a link or junction on the way gives another one. Somebody who may write into the target can
 * still swap a directory between the look and the use; restore into a folder that only you can write to.
 *
 * Restores contents, links, times and the read-only attribute; owners and access lists are inherited from the target.
 */
export class WindowsTarget implements FileTarget {
  readonly label: string;
  readonly #rootPath: string;
  #realRoot: string | undefined;

  constructor(rootPath: string) {
    this.#rootPath = rootPath;
    this.label = displayName(rootPath);
  }

  get isWholeSystem(): boolean {
    return parse(this.#rootPath).root === this.#rootPath;
  }

  nameProblem(name: string): string | undefined {
    return windowsNameProblem(name);
  }

  nameKey(name: string): string {
    return name.toUpperCase();
  }

  async stat(path: TargetPath): Promise<TargetEntry | undefined> {
    return await doing("look at", path, async () => {
      try {
        const stat = await fs.lstat(await this.#place(path), { bigint: true });
        return { type: typeOf(stat), size: Number(stat.size), mtimeNs: stat.mtimeNs, links: stat.nlink };
      } catch (error) {
        if (systemCode(error) === "ENOENT") return undefined;
        throw error;
      }
    });
  }

  async list(path: TargetPath): Promise<string[]> {
    return await doing("list the directory", path, async () => await fs.readdir(await this.#directory(path)));
  }

  async makeDirectory(path: TargetPath): Promise<"made" | "existed"> {
    return await doing("make the directory", path, async () => {
      if (path.length === 0)
        return (await fs.mkdir(this.#rootPath, { recursive: true })) === undefined ? "existed" : "made";
      const place = await this.#place(path);
      try {
        await fs.mkdir(place);
        return "made";
      } catch (error) {
        if (systemCode(error) === "EEXIST" && (await fs.lstat(place)).isDirectory()) return "existed";
        throw error;
      }
    });
  }

  async createFile(path: TargetPath): Promise<TargetFile> {
    return await doing(
      "create the file",
      path,
      async () => new OpenFile(await fs.open(await this.#place(path), "wx+"), path),
    );
  }

  async writeNewFile(
    path: TargetPath,
    bytes: Uint8Array,
    metadata: EntryMetadata | undefined,
    options: MetadataOptions,
  ): Promise<void> {
    await writeInSteps(this, path, bytes, metadata, options);
  }

  async openFile(path: TargetPath, access: "read" | "update"): Promise<TargetFile> {
    return await doing("open the file", path, async () => {
      const place = await this.#place(path);
      const type = typeOf(await fs.lstat(place));
      if (type !== "file")
        throw new EngineError("target-unwritable", `${showPath(path)} is no regular file but a ${type}`);
      return new OpenFile(await fs.open(place, access === "read" ? "r" : "r+"), path);
    });
  }

  async createSymlink(path: TargetPath, linkTarget: string): Promise<void> {
    await doing("create the symbolic link", path, async () => await fs.symlink(linkTarget, await this.#place(path)));
  }

  async createHardLink(path: TargetPath, existing: TargetPath): Promise<void> {
    await doing("create the hard link", path, async () => {
      const from = await this.#place(existing);
      if (!(await fs.lstat(from)).isFile())
        throw new EngineError("target-unwritable", `${showPath(existing)} is no regular file`);
      await fs.link(from, await this.#place(path));
    });
  }

  createSpecial(path: TargetPath, node: Node): Promise<void> {
    return Promise.reject(
      new EngineError("unsupported", `Could not create ${showPath(path)}: Windows has no ${node.type}`),
    );
  }

  async remove(path: TargetPath): Promise<void> {
    await doing("remove", path, async () => {
      const place = await this.#place(path);
      try {
        const stat = await fs.lstat(place);
        if (stat.isDirectory()) await fs.rmdir(place);
        else await fs.unlink(place);
      } catch (error) {
        if (systemCode(error) !== "ENOENT") throw error;
      }
    });
  }

  async setMetadata(path: TargetPath, metadata: EntryMetadata, options: MetadataOptions): Promise<void> {
    await doing("set the metadata of", path, async () => {
      const place = await this.#place(path);
      requireType(typeOf(await fs.lstat(place)), metadata, path);
      warnOfAccessList(path, metadata, options);
      await fs.lutimes(place, seconds(metadata.atimeNs), seconds(metadata.mtimeNs));
      if (metadata.type === "file") await fs.chmod(place, metadata.mode & 0o777);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** The path of an entry, whose directory is where it seems to be. */
  async #place(path: TargetPath): Promise<string> {
    const name = path.at(-1);
    if (name === undefined) return await this.#directory([]);
    this.#requireName(path, name);
    return join(await this.#directory(path.slice(0, -1)), name);
  }

  async #directory(path: TargetPath): Promise<string> {
    for (const name of path) this.#requireName(path, name);
    this.#realRoot ??= await fs.realpath(this.#rootPath);
    const place = join(this.#realRoot, ...path);
    const real = await fs.realpath(place);
    if (this.nameKey(real) !== this.nameKey(place))
      throw new EngineError(
        "target-unwritable",
        `A part of ${showPath(path)} is a link, which a restore does not follow`,
      );
    return place;
  }

  #requireName(path: TargetPath, name: string): void {
    const problem = this.nameProblem(name);
    if (problem === undefined) return;
    throw new EngineError(
      "target-unwritable",
      `${showPath(path)} can't be restored: the name "${displayName(name)}" ${problem}`,
    );
  }
}

class OpenFile implements TargetFile {
  readonly #handle: fs.FileHandle;
  readonly #path: TargetPath;

  constructor(handle: fs.FileHandle, path: TargetPath) {
    this.#handle = handle;
    this.#path = path;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await doing("write to the file", this.#path, async () => {
      let done = 0;
      while (done < bytes.length)
        done += (await this.#handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
    });
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return await doing("read the file", this.#path, async () => {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    });
  }

  async truncate(size: number): Promise<void> {
    await doing("set the size of the file", this.#path, async () => await this.#handle.truncate(size));
  }

  async setMetadata(metadata: EntryMetadata, options: MetadataOptions): Promise<void> {
    await doing("set the metadata of", this.#path, async () => {
      requireType("file", metadata, this.#path);
      warnOfAccessList(this.#path, metadata, options);
      await this.#handle.utimes(seconds(metadata.atimeNs), seconds(metadata.mtimeNs));
      await this.#handle.chmod(metadata.mode & 0o777);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await doing("finish the file", this.#path, async () => await this.#handle.close());
  }
}

function requireType(type: TargetEntry["type"], { type: wanted }: EntryMetadata, path: TargetPath): void {
  if (type === wanted) return;
  throw new EngineError("target-unwritable", `${showPath(path)} should be a ${wanted} now, but is a ${type}`);
}

function warnOfAccessList(
  path: TargetPath,
  { genericAttributes }: EntryMetadata,
  { onWarning }: MetadataOptions,
): void {
  if (genericAttributes.has("windows.security_descriptor"))
    onWarning(path, "Could not set the access list: not supported yet");
}

async function doing<Result>(what: string, path: TargetPath, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw targetError(what, path, error);
  }
}

function typeOf(stat: Pick<Stats, "isFile" | "isDirectory" | "isSymbolicLink">): TargetEntry["type"] {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "dir";
  return stat.isSymbolicLink() ? "symlink" : "other";
}

/** Node takes seconds; what is finer than a microsecond is lost on the way. */
function seconds(ns: bigint): number {
  return Number(ns / 1000n) / 1_000_000;
}
