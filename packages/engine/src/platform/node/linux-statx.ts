import { endianness } from "node:os";
import koffi from "koffi";
import { lastingMemory } from "./lasting-memory.ts";
import { noFollow } from "./posix-library.ts";

const filled = lastingMemory(256);

/** `struct statx` (statx(2)) as the last `statx` filled it. The same on every processor whose numbers begin with their lower half. */
export const statxWords = new Uint32Array(filled.bytes.buffer);

/** Where in it what is. Numbers of 64 bits take two words; times have seconds in two, then nanoseconds. */
export const statxLinksAt = 4;
export const statxUidAt = 5;
export const statxGidAt = 6;
/** 16 bits. */
export const statxModeAt = 7;
export const statxInodeAt = 8;
export const statxSizeAt = 10;
export const statxAtimeAt = 16;
export const statxCtimeAt = 24;
export const statxMtimeAt = 28;
/** Devices have their major and minor number, a word each. */
export const statxSpecialDeviceAt = 32;
export const statxDeviceAt = 34;

/**
 * Fills `statxWords` with what `lstat` would tell of the name at the address, which is looked up in the open directory if it is no absolute path.
 * Gives 0, or −1 and `errno`. Undefined where there is no such call.
 */
export const statx: ((directory: number, nameAddress: number) => number) | undefined =
  process.platform === "linux" && endianness() === "LE" ? bindStatx() : undefined;

/** In the place of a name: the opened file itself. */
export const emptyName = lastingMemory(1).address;

/** In the place of a directory: the path is absolute. */
export const noDirectory = -100;

function bindStatx(): typeof statx {
  try {
    // Addresses go as numbers: making a view of each name would cost as much as the call.
    const call = koffi.load(null).func("int statx(int, uintptr_t, int, uint32_t, uintptr_t)");
    return (directory, nameAddress) => call(directory, nameAddress, flags, basicStats, filled.address) as number;
  } catch {
    return undefined;
  }
}

/** As `lstat`, which mounts nothing on the way either (AT_NO_AUTOMOUNT); an empty name means the opened file itself (AT_EMPTY_PATH). */
const flags = noFollow | 0x800 | 0x1000;
const basicStats = 0x7ff;

/** The lower and upper half of a device's number, as C libraries have it (makedev(3)). */
export function deviceWords(at: number): { readonly low: number; readonly high: number } {
  const major = statxWords[at] as number;
  const minor = statxWords[at + 1] as number;
  return {
    low: ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0,
    high: ((major & 0xfffff000) | (minor >>> 20)) >>> 0,
  };
}
