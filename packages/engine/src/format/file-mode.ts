/**
 * restic stores Go's `os.FileMode`, not the `st_mode` of POSIX: nine permission bits are the same, everything else has another place.
 * All values are unsigned 32-bit.
 */
export const modeDirectory = 0x80000000;
export const modeSymlink = 0x08000000;
/** A block device; with `modeCharDevice` too, a character device. */
export const modeDevice = 0x04000000;
export const modeFifo = 0x02000000;
export const modeSocket = 0x01000000;
export const modeSetuid = 0x00800000;
export const modeSetgid = 0x00400000;
export const modeCharDevice = 0x00200000;
export const modeSticky = 0x00100000;
export const modeIrregular = 0x00080000;
export const modePermissions = 0o777;

const posixTypeMask = 0o170000;
const posixSetuid = 0o4000;
const posixSetgid = 0o2000;
const posixSticky = 0o1000;

/** The type bits by POSIX `st_mode & S_IFMT`. */
const goTypeByPosixType: ReadonlyMap<number, number> = new Map([
  [0o100000, 0],
  [0o040000, modeDirectory],
  [0o120000, modeSymlink],
  [0o060000, modeDevice],
  [0o020000, modeDevice | modeCharDevice],
  [0o010000, modeFifo],
  [0o140000, modeSocket],
  // Windows has no type bits in some of its answers; without them it is a regular file.
  [0, 0],
]);

/** `st_mode` with its type → Go's mode. A type that POSIX does not know is irregular. */
export function goModeFromPosix(stMode: number): number {
  let mode = (stMode & modePermissions) | (goTypeByPosixType.get(stMode & posixTypeMask) ?? modeIrregular);
  if ((stMode & posixSetuid) !== 0) mode |= modeSetuid;
  if ((stMode & posixSetgid) !== 0) mode |= modeSetgid;
  if ((stMode & posixSticky) !== 0) mode |= modeSticky;
  return mode >>> 0;
}

/** Go's mode → the twelve bits (0o7777) that `chmod` takes, without the type. */
export function posixFromGoMode(mode: number): number {
  let bits = mode & modePermissions;
  if ((mode & modeSetuid) !== 0) bits |= posixSetuid;
  if ((mode & modeSetgid) !== 0) bits |= posixSetgid;
  if ((mode & modeSticky) !== 0) bits |= posixSticky;
  return bits;
}
