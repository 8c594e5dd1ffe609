import { type BigIntStats, constants } from "node:fs";
import type { NodeType } from "../../format/node.ts";
import type { SourceStat } from "../../source/file-source.ts";

const isWindows = process.platform === "win32";

/** What Node's `lstat` told, with what only `metadata` needs kept behind it, so that no entry is asked twice. */
export class NodeStat implements SourceStat {
  readonly type: SourceStat["type"];
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly inode: bigint;
  readonly deviceId: bigint;
  readonly links: bigint;
  /** All of it, as the system gave it. */
  readonly raw: BigIntStats;

  /** Windows has no inodes, devices and link counts in restic's sense, and its ctime is the mtime: the same files must give the same nodes. */
  constructor(raw: BigIntStats) {
    this.raw = raw;
    this.type = typeOf(raw.mode);
    this.size = Number(raw.size);
    this.mtimeNs = raw.mtimeNs;
    this.ctimeNs = isWindows ? raw.mtimeNs : raw.ctimeNs;
    this.inode = isWindows ? 0n : raw.ino;
    this.deviceId = isWindows ? 0n : raw.dev;
    this.links = isWindows ? 0n : raw.nlink;
  }
}

const types: ReadonlyMap<number, NodeType> = new Map([
  [constants.S_IFREG, "file"],
  [constants.S_IFDIR, "dir"],
  [constants.S_IFLNK, "symlink"],
  [constants.S_IFBLK, "dev"],
  [constants.S_IFCHR, "chardev"],
  [constants.S_IFIFO, "fifo"],
  [constants.S_IFSOCK, "socket"],
]);

function typeOf(mode: bigint): SourceStat["type"] {
  return types.get(Number(mode) & constants.S_IFMT) ?? "other";
}
