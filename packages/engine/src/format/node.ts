import type { BlobId } from "./ids.ts";

export type NodeType = "file" | "dir" | "symlink" | "dev" | "chardev" | "fifo" | "socket";

/** One extended attribute; POSIX ACLs are attributes too (`system.posix_acl_access`, `system.posix_acl_default`). */
export interface ExtendedAttribute {
  readonly name: string;
  readonly value: Uint8Array;
  /** The tree says `null`, as Go writes a slice that was never made. Means empty; kept so that the tree keeps its bytes and its ID. */
  readonly valueIsNull?: true;
}

/**
 * One entry of a directory, as restic stores it in a tree blob (restic design.rst, "Trees and Data").
 *
 * Names and link targets are **escaped strings**: valid UTF-8 is itself, and each byte that is not part of valid UTF-8 is the
 * lone surrogate U+DC00 + byte. So every byte sequence has exactly one string, and ordinary names read as they are (`names.ts`).
 */
export interface Node {
  readonly name: string;
  /**
   * "unknown" is what only a tree can say, never a file system: written by a damaged or future program. The entry is kept so that its
   * neighbours stay readable and `check` can name it; `unknownType` holds the word found.
   */
  readonly type: NodeType | "unknown";
  readonly unknownType?: string;
  /** Go `os.FileMode` bits, not POSIX (`file-mode.ts`). */
  readonly mode: number;
  /** Nanoseconds since 1970-01-01 UTC, as all times of a node. */
  readonly mtimeNs: bigint;
  readonly atimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly uid: number;
  readonly gid: number;
  /** "" when the system knows no name. */
  readonly user: string;
  readonly group: string;
  readonly inode: bigint;
  readonly deviceId: bigint;
  /** Bytes; regular files only, else 0. */
  readonly size: number;
  /** Hard links; 0 for directories, fifos and sockets. */
  readonly links: bigint;
  /** Symlinks only, else "". */
  readonly linkTarget: string;
  readonly extendedAttributes: readonly ExtendedAttribute[];
  /** Platform attributes such as `windows.creation_time`, as raw JSON text by key; kept as they are on other platforms. */
  readonly genericAttributes: ReadonlyMap<string, string>;
  /** Device number, for `dev` and `chardev`, else 0. */
  readonly device: bigint;
  /** The blobs of a file in order, `[]` if it is empty. Undefined for other types, and for a file of a damaged tree that says `null`. */
  readonly content: readonly BlobId[] | undefined;
  /** The tree of a directory; undefined for other types, or in a damaged tree. */
  readonly subtree: BlobId | undefined;
}
