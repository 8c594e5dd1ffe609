import { constants } from "node:fs";
import { cString } from "./c-string.ts";
import { calls, check, closeOnExec, type Descriptor, isMac, noFollow } from "./posix-library.ts";

/**
 * The system calls that restoring needs and Node lacks: those that name an entry by an **open directory and one plain name**. A path that is
 * walked this way can't be led elsewhere by a link that somebody puts into it meanwhile (POSIX.1-2017, `openat`).
 *
 * Names are escaped strings (`format/names.ts`). Every call is synchronous, takes microseconds, and throws `SystemCallError`.
 */

/** Opens a directory to name entries in it; a link in its place is not followed but fails (`ENOTDIR` or `ELOOP`). */
export function openDirectoryAt(directory: Descriptor, name: string): Descriptor {
  return openAt(directory, name, directoryFlags, 0);
}

/** Opens the directory at a path of the process, links followed: for the root of a target, which the user named. */
export function openDirectory(path: string): Descriptor {
  return openAt(currentDirectory, path, directoryFlags & ~constants.O_NOFOLLOW, 0);
}

/** Makes a regular file of mode 0600, open for reading and writing. Fails with `EEXIST` if anything is there, a link too. */
export function createFileAt(directory: Descriptor, name: string): Descriptor {
  return openAt(directory, name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | fileFlags, 0o600);
}

/** Opens what is there, without following a link. The caller makes sure that it is a regular file. */
export function openFileAt(directory: Descriptor, name: string, access: "read" | "update"): Descriptor {
  return openAt(directory, name, (access === "read" ? constants.O_RDONLY : constants.O_RDWR) | fileFlags, 0);
}

export function makeDirectoryAt(directory: Descriptor, name: string, mode: number): void {
  check("mkdirat", calls().mkdirat(directory, cString(name), mode));
}

export function symlinkAt(target: string, directory: Descriptor, name: string): void {
  check("symlinkat", calls().symlinkat(cString(target), directory, cString(name)));
}

/** A link at the existing name would itself be linked, not followed. */
export function linkAt(existingDirectory: Descriptor, existingName: string, directory: Descriptor, name: string): void {
  const result = calls().linkat(existingDirectory, cString(existingName), directory, cString(name), 0);
  check("linkat", result);
}

/** `mode` holds the type: a fifo, block or character device. */
export function makeNodeAt(directory: Descriptor, name: string, mode: number, device: bigint): void {
  check("mknodat", calls().mknodat(directory, cString(name), mode, device));
}

export function makeFifoAt(directory: Descriptor, name: string, mode: number): void {
  check("mkfifoat", calls().mkfifoat(directory, cString(name), mode));
}

/** Removes a file or link, or, as `"directory"`, an empty directory. */
export function unlinkAt(directory: Descriptor, name: string, what: "file" | "directory"): void {
  check("unlinkat", calls().unlinkat(directory, cString(name), what === "directory" ? removeDirectory : 0));
}

export function changeOwnerAt(directory: Descriptor, name: string, uid: number, gid: number): void {
  check("fchownat", calls().fchownat(directory, cString(name), uid, gid, noFollow));
}

/** Not for links: Linux can't change the mode of one (`EOPNOTSUPP`). */
export function changeModeAt(directory: Descriptor, name: string, mode: number): void {
  check("fchmodat", calls().fchmodat(directory, cString(name), mode, noFollow));
}

/** Nanoseconds since 1970; Node's own `utimes` goes through a double and loses them. */
export function changeTimesAt(directory: Descriptor, name: string, atimeNs: bigint, mtimeNs: bigint): void {
  check("utimensat", calls().utimensat(directory, cString(name), timespecs(atimeNs, mtimeNs), noFollow));
}

/** The same for a file that is open. */
export function changeTimesOf(descriptor: Descriptor, atimeNs: bigint, mtimeNs: bigint): void {
  check("futimens", calls().futimens(descriptor, timespecs(atimeNs, mtimeNs)));
}

/** The value of several flags differs by platform, and Node names only some of them. */
const currentDirectory = isMac ? -2 : -100;
const removeDirectory = isMac ? 0x80 : 0x200;
/** Linux's O_PATH names a directory without the right to read it. */
const onlyAsPlace = isMac ? 0 : 0o10000000;

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | closeOnExec | onlyAsPlace;
/** O_NONBLOCK so that a fifo put in a file's place can't hold us; on a regular file it does nothing. */
const fileFlags = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY | closeOnExec;

function openAt(directory: Descriptor, name: string, flags: number, mode: number): Descriptor {
  return check("openat", calls().openat(directory, cString(name), flags, "uint", mode));
}

const nsPerSecond = 1_000_000_000n;
/** `struct timespec` twice, filled anew for each call. */
const twoTimespecs = new BigInt64Array(4);

function timespecs(atimeNs: bigint, mtimeNs: bigint): BigInt64Array {
  putTimespec(0, atimeNs);
  putTimespec(2, mtimeNs);
  return twoTimespecs;
}

function putTimespec(at: number, ns: bigint): void {
  // Nanoseconds are counted upwards before 1970 too.
  const rest = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond;
  twoTimespecs[at] = (ns - rest) / nsPerSecond;
  twoTimespecs[at + 1] = rest;
}
