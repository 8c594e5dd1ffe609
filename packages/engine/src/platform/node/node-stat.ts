import { type BigIntStats, constants, fstatSync, lstatSync } from "node:fs";
import type { NodeType } from "../../format/node.ts";
import type { SourceStat } from "../../source/file-source.ts";
import { systemPath } from "./source-path.ts";

const isWindows = process.platform === "win32";

/** What `lstat` told, with what only `metadata` needs, so that no entry is asked twice. */
export interface FullStat extends SourceStat {
  /** POSIX `st_mode` with its type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atimeNs: bigint;
  /** 0 where the system does not tell. */
  readonly birthtimeNs: bigint;
  /** What device a device file stands for. */
  readonly specialDevice: bigint;
}

export function isFullStat(stat: SourceStat): stat is FullStat {
  return "specialDevice" in stat;
}

/** Asks Node. Throws what it throws. */
export function nodeStat(path: string): FullStat {
  return fullStatOf(lstatSync(systemPath(path), { bigint: true }));
}

/** The same of an open file. */
export function nodeStatOf(descriptor: number): FullStat {
  return fullStatOf(fstatSync(descriptor, { bigint: true }));
}

/** Windows has no inodes, devices and link counts in restic's sense, and its ctime is the mtime: the same files must give the same nodes. */
function fullStatOf(raw: BigIntStats): FullStat {
  const mode = Number(raw.mode);
  return {
    type: typeOfPosixMode(mode),
    size: Number(raw.size),
    mtimeNs: raw.mtimeNs,
    ctimeNs: isWindows ? raw.mtimeNs : raw.ctimeNs,
    inode: isWindows ? 0n : raw.ino,
    deviceId: isWindows ? 0n : raw.dev,
    links: isWindows ? 0n : raw.nlink,
    mode: isWindows ? windowsMode(mode) : mode,
    uid: Number(raw.uid),
    gid: Number(raw.gid),
    atimeNs: raw.atimeNs,
    birthtimeNs: raw.birthtimeNs,
    specialDevice: raw.rdev,
  };
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

export function typeOfPosixMode(mode: number): SourceStat["type"] {
  return types.get(mode & constants.S_IFMT) ?? "other";
}

/** Windows knows read-only or not; restic writes 0444 or 0666, with 0111 for a directory. */
function windowsMode(mode: number): number {
  const type = mode & 0o170000;
  const isDirectory = type === 0o040000;
  const isWritable = (mode & 0o200) !== 0;
  return type | (isWritable ? 0o666 : 0o444) | (isDirectory ? 0o111 : 0);
}
