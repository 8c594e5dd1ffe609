import { closeSync, fstatSync, mkdirSync, realpathSync, writeSync } from "node:fs";
import type { MasterKey } from "../../crypto/master-key.ts";
import { EngineError } from "../../errors/engine-error.ts";
import { invariant } from "../../errors/invariant.ts";
import { displayName, decodeName, encodeName } from "../../format/names.ts";
import type { Node } from "../../format/node.ts";
import type {
  EntryMetadata,
  FileTarget,
  MetadataOptions,
  TargetEntry,
  TargetFile,
  TargetPath,
} from "../../target/file-target.ts";
import { plainNameProblem, requirePlainName } from "../../target/plain-name.ts";
import type { RestoreLane } from "../../target/restore-lane.ts";
import { showPath } from "../../target/show-path.ts";
import { writeInSteps } from "../../target/write-in-steps.ts";
import { EventLoopBreather } from "./event-loop-breather.ts";
import { OpenDirectories } from "./open-directories.ts";
import { NamedEntry } from "./posix-entry.ts";
import { PosixFile, type PosixFileOptions, setFileMetadata, writeAtOnceBytes } from "./posix-file.ts";
import type { Descriptor } from "./posix-library.ts";
import { isMac } from "./posix-library.ts";
import { listAt } from "./posix-list.ts";
import { setPosixMetadata } from "./posix-metadata.ts";
import { statAt } from "./posix-stat.ts";
import {
  changeModeAt,
  createFileAt,
  linkAt,
  makeDirectoryAt,
  makeFifoAt,
  makeNodeAt,
  openDirectory,
  openDirectoryAt,
  openFileAt,
  symlinkAt,
  unlinkAt,
} from "./posix-write.ts";
import { settingWarning, systemCode, targetError } from "./target-error.ts";
import { WorkerRestoreLane } from "./worker-restore-lane.ts";

export interface PosixTargetOptions {
  /** The root, if it is open already: then its path is for messages only. It stays its owner's. */
  readonly rootDescriptor?: Descriptor;
  /** Calls may wait for the disk: the thread has nothing else to do. */
  readonly mayWait?: boolean;
  /** How many threads `openLanes` starts. None unless told. */
  readonly lanes?: number;
}

/** A folder of this machine as a restore's target, on Linux and macOS. `rootPath` is an absolute escaped string. */
export class PosixTarget implements FileTarget {
  readonly label: string;
  readonly #rootPath: string;
  readonly #directories: OpenDirectories;
  readonly #files: PosixFileOptions;
  readonly #lanes: number;
  readonly #breather = new EventLoopBreather();

  constructor(rootPath: string, { rootDescriptor, mayWait = false, lanes = 0 }: PosixTargetOptions = {}) {
    this.#rootPath = rootPath;
    this.label = displayName(rootPath);
    this.#files = { mayWait };
    this.#lanes = lanes;
    this.#directories = new OpenDirectories(() =>
      rootDescriptor === undefined ? openDirectory(rootPath) : openDirectoryAt(rootDescriptor, "."),
    );
  }

  get isWholeSystem(): boolean {
    try {
      return realpathSync(Buffer.from(encodeName(this.#rootPath)), "utf8") === "/";
    } catch {
      // It is not there yet.
      return false;
    }
  }

  nameProblem(name: string): string | undefined {
    return plainNameProblem(name);
  }

  nameKey(name: string): string {
    // Apple's file systems take names that differ only in case or in how accents are composed for the same, unless set up otherwise.
    return isMac ? name.normalize("NFC").toUpperCase() : name;
  }

  async stat(path: TargetPath): Promise<TargetEntry | undefined> {
    return await this.#do("look at", path, () => {
      try {
        const { mode, size, links, mtimeNs } = path.length === 0 ? this.#statRoot() : statAt(...this.#place(path));
        return { type: typeOf(mode), size, links: BigInt(links), mtimeNs };
      } catch (error) {
        if (systemCode(error) === "ENOENT") return undefined;
        throw error;
      }
    });
  }

  async list(path: TargetPath): Promise<string[]> {
    return await this.#do("list the directory", path, () => listAt(this.#directory(path)).map(decodeName));
  }

  async makeDirectory(path: TargetPath): Promise<"made" | "existed"> {
    return await this.#do("make the directory", path, () => {
      if (path.length === 0) return this.#makeRoot();
      const [directory, name] = this.#place(path);
      try {
        makeDirectoryAt(directory, name, 0o700);
        return "made";
      } catch (error) {
        if (systemCode(error) === "EEXIST" && typeOf(statAt(directory, name).mode) === "dir") return "existed";
        throw error;
      }
    });
  }

  async createFile(path: TargetPath): Promise<TargetFile> {
    return await this.#do(
      "create the file",
      path,
      () => new PosixFile(createFileAt(...this.#place(path)), path, this.#files),
    );
  }

  async writeNewFile(
    path: TargetPath,
    bytes: Uint8Array,
    metadata: EntryMetadata | undefined,
    options: MetadataOptions,
  ): Promise<void> {
    if (this.#files.mayWait || bytes.length <= writeAtOnceBytes)
      await this.#do("create the file", path, () => this.#writeAtOnce(path, bytes, metadata, options));
    else await writeInSteps(this, path, bytes, metadata, options);
  }

  /** One file is some ten system calls: with a promise for each, and its garbage, it would cost half as much again. */
  #writeAtOnce(
    path: TargetPath,
    bytes: Uint8Array,
    metadata: EntryMetadata | undefined,
    options: MetadataOptions,
  ): void {
    const descriptor = createFileAt(...this.#place(path));
    let doing = "write to the file";
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done, bytes.length - done, done);
      doing = "set the metadata of";
      if (metadata) setFileMetadata(descriptor, path, metadata, options);
    } catch (error) {
      closeSync(descriptor);
      throw targetError(doing, path, error);
    }
    closeSync(descriptor);
  }

  async openFile(path: TargetPath, access: "read" | "update"): Promise<TargetFile> {
    return await this.#do("open the file", path, () => {
      const [directory, name] = this.#place(path);
      // Looked at before: opening a device can already do something.
      this.#requireFile(typeOf(statAt(directory, name).mode), path);
      const descriptor = openAnyway(directory, name, access);
      try {
        this.#requireFile(fstatSync(descriptor).isFile() ? "file" : "other", path);
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
      return new PosixFile(descriptor, path, this.#files);
    });
  }

  async createSymlink(path: TargetPath, linkTarget: string): Promise<void> {
    await this.#do("create the symbolic link", path, () => symlinkAt(linkTarget, ...this.#place(path)));
  }

  async createHardLink(path: TargetPath, existing: TargetPath): Promise<void> {
    await this.#do("create the hard link", path, () => {
      const [existingDirectory, existingName] = this.#place(existing);
      this.#requireFile(typeOf(statAt(existingDirectory, existingName).mode), existing);
      linkAt(existingDirectory, existingName, ...this.#place(path));
    });
  }

  async createSpecial(path: TargetPath, node: Node): Promise<void> {
    await this.#do("create the special file", path, () => {
      const [directory, name] = this.#place(path);
      try {
        if (node.type === "fifo") makeFifoAt(directory, name, 0o600);
        else makeNodeAt(directory, name, specialType(node) | 0o600, node.device);
      } catch (error) {
        if (systemCode(error) !== "EPERM") throw error;
        throw new EngineError(
          "unsupported",
          `Could not create ${showPath(path)}: this user may not make a ${node.type}`,
          {
            cause: error,
            hint: "Run the restore as root to have devices restored.",
          },
        );
      }
    });
  }

  async remove(path: TargetPath): Promise<void> {
    await this.#do("remove", path, () => {
      const [directory, name] = this.#place(path);
      try {
        const isDirectory = typeOf(statAt(directory, name).mode) === "dir";
        unlinkAt(directory, name, isDirectory ? "directory" : "file");
        if (isDirectory) this.#directories.forget(path);
      } catch (error) {
        if (systemCode(error) !== "ENOENT") throw error;
      }
    });
  }

  async setMetadata(path: TargetPath, metadata: EntryMetadata, options: MetadataOptions): Promise<void> {
    await this.#do("set the metadata of", path, () => {
      const entry = new NamedEntry(...this.#place(path));
      const before = entry.stat();
      const type = typeOf(before.mode);
      if (type !== metadata.type)
        throw new EngineError(
          "target-unwritable",
          `${showPath(path)} should be a ${metadata.type} now, but is a ${type}`,
        );
      setPosixMetadata(entry, before, metadata, {
        ownershipByName: options.ownershipByName,
        onWarning: (doing, error) => options.onWarning(path, settingWarning(doing, error)),
      });
    });
  }

  openLanes(masterKey: MasterKey): readonly RestoreLane[] {
    const rootDescriptor = this.#directories.at([]);
    const data = { rootPath: this.#rootPath, rootDescriptor, masterKey };
    return Array.from({ length: this.#lanes }, () => new WorkerRestoreLane(data));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#directories.close();
    return Promise.resolve();
  }

  /** The calls themselves are synchronous: between finding a directory and using it nothing else runs. */
  async #do<Result>(doing: string, path: TargetPath, work: () => Result): Promise<Result> {
    const pause = this.#breather.pauseIfDue();
    if (pause) await pause;
    try {
      return work();
    } catch (error) {
      throw targetError(doing, path, error);
    }
  }

  #place(path: TargetPath): [directory: Descriptor, name: string] {
    invariant(path.length > 0, "only an entry below the root has a name");
    const name = path.at(-1) ?? "";
    requirePlainName(path, name);
    return [this.#directories.at(path, path.length - 1), name];
  }

  #directory(path: TargetPath): Descriptor {
    return this.#directories.at(path);
  }

  #statRoot(): ReturnType<typeof statAt> {
    return statAt(this.#directories.at([]), ".");
  }

  #makeRoot(): "made" | "existed" {
    const path = Buffer.from(encodeName(this.#rootPath));
    const made = mkdirSync(path, { recursive: true, mode: 0o700 });
    this.#directories.at([]);
    return made === undefined ? "existed" : "made";
  }

  #requireFile(type: TargetEntry["type"], path: TargetPath): void {
    if (type === "file") return;
    throw new EngineError("target-unwritable", `${showPath(path)} is no regular file but a ${type}`);
  }
}

/** A file whose mode keeps even its owner out is opened up first, as restic does: its mode is set again at the end. */
function openAnyway(directory: Descriptor, name: string, access: "read" | "update"): Descriptor {
  try {
    return openFileAt(directory, name, access);
  } catch (error) {
    if (access === "read" || systemCode(error) !== "EACCES") throw error;
    changeModeAt(directory, name, 0o600);
    return openFileAt(directory, name, access);
  }
}

const typeMask = 0o170000;

const types: ReadonlyMap<number, Node["type"]> = new Map([
  [0o100000, "file"],
  [0o040000, "dir"],
  [0o120000, "symlink"],
  [0o060000, "dev"],
  [0o020000, "chardev"],
  [0o010000, "fifo"],
  [0o140000, "socket"],
]);

function typeOf(mode: number): TargetEntry["type"] {
  return types.get(mode & typeMask) ?? "other";
}

function specialType(node: Node): number {
  if (node.type === "dev") return 0o060000;
  if (node.type === "chardev") return 0o020000;
  throw new EngineError("unsupported", `A ${node.type} can't be created as a special file`);
}
