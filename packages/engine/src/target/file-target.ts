import type { MasterKey } from "../crypto/master-key.ts";
import type { Node } from "../format/node.ts";
import type { RestoreLane } from "./restore-lane.ts";

/** A place below the target's root, name by name from the root; `[]` is the root itself. Names are escaped strings (`format/names.ts`). */
export type TargetPath = readonly string[];

/** What is at a place now; links are not followed. */
export interface TargetEntry {
  readonly type: Node["type"] | "other";
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly links: bigint;
}

/** What is set on an entry once it is complete. Every node has it. */
export type EntryMetadata = Pick<
  Node,
  | "type"
  | "mode"
  | "mtimeNs"
  | "atimeNs"
  | "uid"
  | "gid"
  | "user"
  | "group"
  | "extendedAttributes"
  | "genericAttributes"
>;

/** A file being restored. Writes may come in any order. Leaving its scope (`await using`) closes it. */
export interface TargetFile extends AsyncDisposable {
  /** Writes all of `bytes`, which are the caller's again afterwards; what lies between the old end and `offset` reads as zeros. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Bytes there now, fewer than `length` only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Grows with a hole, or cuts. */
  truncate(size: number): Promise<void>;
  /** As the target's own, for the file that is open, whatever its name means by now. The last call: writing would change its times. */
  setMetadata(metadata: EntryMetadata, options: MetadataOptions): Promise<void>;
}

/** How a node's metadata is set. */
export interface MetadataOptions {
  /** Look users and groups up by name instead of taking the numbers; a name unknown here counts as number 0, as in restic. */
  readonly ownershipByName: boolean;
  /** Says what could not be set and why; the entry stays. */
  readonly onWarning: (path: TargetPath, message: string) => void;
}

/**
 * Where restored files go. Nothing outside the root is ever created, changed or followed into, whatever the path's names or the links
 * already there: implementations walk component by component without following links, and refuse names that are no plain names on the
 * platform. Only the root itself may be a link, resolved once, as the user named it.
 *
 * Every implementation passes the promises of `platform/testing/file-target-suite.ts`. All methods reject with `target-unwritable`,
 * whose message says so when the disk is full. Disposing closes what is held open; nothing may be called after it.
 */
export interface FileTarget extends AsyncDisposable {
  /** For messages. */
  readonly label: string;
  /** The root is the top of the machine's own file system: deleting what is not in a snapshot would be fatal. */
  readonly isWholeSystem: boolean;
  /** Why an entry can't have this name here, as the end of a sentence; undefined if it can. */
  nameProblem(name: string): string | undefined;
  /** Names with equal keys are one entry here: file systems differ in case and in Unicode normalisation. */
  nameKey(name: string): string;
  /** Undefined if there is nothing. */
  stat(path: TargetPath): Promise<TargetEntry | undefined>;
  /** Names in a directory, in no order. */
  list(path: TargetPath): Promise<string[]>;
  /**
   * Makes a directory with mode 0700; one that is there already is fine, and told apart. Anything else in its place rejects.
   * For the root, directories above it are made too.
   */
  makeDirectory(path: TargetPath): Promise<"made" | "existed">;
  /** A new, empty regular file that only its owner can read; anything in its place rejects. */
  createFile(path: TargetPath): Promise<TargetFile>;
  /**
   * What most files need, at once: `createFile`, these bytes, `setMetadata` if there is any, and closed. A file that fails after it was made stays
   * as far as it came.
   */
  writeNewFile(
    path: TargetPath,
    bytes: Uint8Array,
    metadata: EntryMetadata | undefined,
    options: MetadataOptions,
  ): Promise<void>;
  /** An existing regular file, to read or to update in place; rejects unless it is one. */
  openFile(path: TargetPath, access: "read" | "update"): Promise<TargetFile>;
  /** The link's target is stored as it is and never looked at. Anything in its place rejects. */
  createSymlink(path: TargetPath, linkTarget: string): Promise<void>;
  /** `existing` must be a regular file; anything at `path` rejects. */
  createHardLink(path: TargetPath, existing: TargetPath): Promise<void>;
  /** A device or fifo. Rejects with `unsupported` where the platform or the user can't. */
  createSpecial(path: TargetPath, node: Node): Promise<void>;
  /** A file, link or empty directory. Nothing there is fine. */
  remove(path: TargetPath): Promise<void>;
  /**
   * Owner, extended attributes, platform attributes, times, mode, in this order, on the entry itself and never through a link.
   * Changing the owner before the attributes keeps file capabilities; the mode comes last because changing the owner clears setuid.
   * Rejects if the entry is not of the metadata's type.
   */
  setMetadata(path: TargetPath, metadata: EntryMetadata, options: MetadataOptions): Promise<void>;
  /**
   * Threads that open sealed blobs with this key and write into this target by themselves, for a caller with much to write; none or absent
   * where the machine has no cores for them. The root must have been made. They are the caller's to dispose, before the target.
   */
  openLanes?(key: MasterKey): readonly RestoreLane[];
}
