import type { Abortable } from "../flow/abortable.ts";
import type { EntryTable } from "../format/entry-table.ts";
import type { Node, NodeType } from "../format/node.ts";
import type { ListingAhead } from "./listing-ahead.ts";

/** What one `lstat` tells. `type` "other" is what restic calls irregular. Where a platform has no such number it is 0. */
export interface SourceStat {
  readonly type: NodeType | "other";
  /** Bytes. */
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly inode: bigint;
  readonly deviceId: bigint;
  readonly links: bigint;
}

/** A node without what only the backup knows. */
export type SourceMetadata = Omit<Node, "content" | "subtree">;

/** A problem that leaves the entry in the backup, such as one unreadable attribute. */
export type OnSourceWarning = (path: string, message: string) => void;

/** Links are followed only on the way to a target: `/link/file` is backed up through `link`, but a link itself as a link. */
export interface FollowLinks {
  readonly followLinks?: boolean | undefined;
}

export interface MetadataOptions extends FollowLinks {
  /** Record the time of the last access; otherwise `atimeNs` is the `mtimeNs`, so that reading a file doesn't change its tree. */
  readonly withAtime: boolean;
  readonly onWarning: OnSourceWarning;
}

export interface EntriesOptions extends FollowLinks {
  /** As in `MetadataOptions`. */
  readonly withAtime: boolean;
  /** Only entries of these names; the others are not looked at. All, if left out. */
  readonly wants?: ((name: string) => boolean) | undefined;
}

/**
 * Where files to back up come from. Paths are absolute, cleaned, `/`-separated escaped strings (`format/names.ts`), so that names may be
 * any bytes; on Windows they begin with the volume, as `C:/Users`.
 *
 * All methods fail with `source-unreadable`, or `not-found` when the entry, or a directory on the way to it, is gone. What an entry is and has is
 * told at once: waiting for each answer would cost more than the answer.
 */
export interface FileSource {
  /** Its paths mean the same to the lanes of this platform (`compute/lane.ts`), so that they can read the files by themselves. */
  readonly isReadByLanes?: boolean;
  /**
   * Every change of an entry, of its attributes and owner too, moves its ctime: what has the same `lstat` as before, and owners of the same
   * names, is the same. Not so on Windows, which knows no such time.
   */
  readonly tellsChanges: boolean;
  /** Whoever asks many things that are answered at once awaits this between them, if it is there: everything else gets its turn then. */
  pauseIfDue?(): Promise<void> | undefined;
  /** The absolute, cleaned form of a path that a person gave. */
  absolute(path: string): string;
  stat(path: string, options?: FollowLinks): SourceStat;
  /** Everything that a node records, read once. `stat` is what `stat()` gave for the same path and options; the name is the path's last part. */
  metadata(path: string, stat: SourceStat, options: MetadataOptions): SourceMetadata;
  /** The names in a directory, in no order, without `.` and `..`. A link in the directory's place rejects. */
  list(path: string, options?: FollowLinks): Promise<string[]>;
  /**
   * Puts what is in a directory in the place of what is in `into`: in no order, with what `metadata` would tell of each entry as far as `lstat` and
   * the names of owners go. What vanishes meanwhile is left out; what can't be looked at is of type "other", and `stat` tells why.
   */
  entries(path: string, into: EntryTable, options: EntriesOptions): Promise<void>;
  /** Where there is a thread for it: what `entries` would tell of directories to come, without following links. */
  listAhead?(options: Pick<EntriesOptions, "withAtime">): ListingAhead;
  /**
   * The bytes of a regular file from its start to its end at the time of reading, in pieces of any size. Anything else in its place
   * rejects, a link too, and nothing blocks on a fifo. A piece is valid until the next one is asked for: its buffer may be used again.
   */
  read(path: string, options?: Abortable): AsyncIterable<Uint8Array>;
}
