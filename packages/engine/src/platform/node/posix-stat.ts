import { cString } from "./c-string.ts";
import { calls, check, type Descriptor, isMac, noFollow } from "./posix-library.ts";

/** What is at a place. */
export interface EntryStat {
  /** POSIX `st_mode` with its type. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
}

/** What is at `name`, links not followed. Throws `ENOENT` if there is nothing. */
export function statAt(directory: Descriptor, name: string): EntryStat {
  return isMac ? macStatAt(directory, name) : linuxStatAt(directory, name);
}

/** Room for either structure, filled anew for each call. */
const statBytes = new Uint8Array(256);
const view = new DataView(statBytes.buffer);

/** `struct statx` is the same on every processor, unlike `struct stat` (Linux statx(2)). */
function linuxStatAt(directory: Descriptor, name: string): EntryStat {
  const basicStats = 0x7ff;
  check("statx", calls().statx(directory, cString(name), noFollow, basicStats, statBytes));
  return {
    links: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    mode: view.getUint16(28, true),
    size: Number(view.getBigUint64(40, true)),
    mtimeNs: view.getBigInt64(112, true) * nsPerSecond + BigInt(view.getUint32(120, true)),
  };
}

/** `struct stat` with 64-bit inodes, the same on both of Apple's processors (`sys/stat.h`). */
function macStatAt(directory: Descriptor, name: string): EntryStat {
  check("fstatat", calls().fstatat(directory, cString(name), statBytes, noFollow));
  return {
    mode: view.getUint16(4, true),
    links: view.getUint16(6, true),
    uid: view.getUint32(16, true),
    gid: view.getUint32(20, true),
    mtimeNs: view.getBigInt64(48, true) * nsPerSecond + view.getBigInt64(56, true),
    size: Number(view.getBigInt64(96, true)),
  };
}

const nsPerSecond = 1_000_000_000n;
