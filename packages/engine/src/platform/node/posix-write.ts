import { constants } from "node:fs";
import { calls, check, closeOnExec, type Descriptor, isMac, noFollow, terminated } from "./posix-library.ts";

/**
 * The system calls that restoring needs and Node lacks: those that name an entry by an **open directory and one plain name**. A path that is
 * walked this way can't be led elsewhere by a link that somebody puts into it meanwhile (POSIX.1-2017, `openat`).
 *
 * Names are bytes. Every call is synchronous, takes microseconds, and throws `SystemCallError`.
 */

/** Opens a directory to name entries in it; a link in its place is not followed but fails (`ENOTDIR` or `ELOOP`). */
export function openDirectoryAt(directory: Descriptor, name: Uint8Array): Descriptor {
  return openAt(directory, name, directoryFlags, 0);
}

/** Opens the directory at a path of the process, links followed: for the root of a target, which the user named. */
export function openDirectory(path: Uint8Array): Descriptor {
  return openAt(currentDirectory, path, directoryFlags & ~constants.O_NOFOLLOW, 0);
}

/** Makes a regular file of mode 0600, open for reading and writing. Fails with `EEXIST` if anything is there, a link too. */
export function createFileAt(directory: Descriptor, name: Uint8Array): Descriptor {
  return openAt(directory, name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | fileFlags, 0o600);
}

/** Opens what is there, without following a link. The caller makes sure that it is a regular file. */
export function openFileAt(directory: Descriptor, name: Uint8Array, access: "read" | "update"): Descriptor {
  return openAt(directory, name, (access === "read" ? constants.O_RDONLY : constants.O_RDWR) | fileFlags, 0);
}

export function makeDirectoryAt(directory: Descriptor, name: Uint8Array, mode: number): void {
  check("mkdirat", calls().mkdirat(directory, terminated(name), mode));
}

export function symlinkAt(target: Uint8Array, directory: Descriptor, name: Uint8Array): void {
  check("symlinkat", calls().symlinkat(terminated(target), directory, terminated(name)));
}

/** A link at the existing name would itself be linked, not followed. */
export function linkAt(
  existingDirectory: Descriptor,
  existingName: Uint8Array,
  directory: Descriptor,
  name: Uint8Array,
): void {
  const result = calls().linkat(existingDirectory, terminated(existingName), directory, terminated(name), 0);
  check("linkat", result);
}

/** `mode` holds the type: a fifo, block or character device. */
export function makeNodeAt(directory: Descriptor, name: Uint8Array, mode: number, device: bigint): void {
  check("mknodat", calls().mknodat(directory, terminated(name), mode, device));
}

export function makeFifoAt(directory: Descriptor, name: Uint8Array, mode: number): void {
  check("mkfifoat", calls().mkfifoat(directory, terminated(name), mode));
}

/** Removes a file or link, or, as `"directory"`, an empty directory. */
export function unlinkAt(directory: Descriptor, name: Uint8Array, what: "file" | "directory"): void {
  check("unlinkat", calls().unlinkat(directory, terminated(name), what === "directory" ? removeDirectory : 0));
}

export function changeOwnerAt(directory: Descriptor, name: Uint8Array, uid: number, gid: number): void {
  check("fchownat", calls().fchownat(directory, terminated(name), uid, gid, noFollow));
}

/** Not for links: Linux can't change the mode of one (`EOPNOTSUPP`). */
export function changeModeAt(directory: Descriptor, name: Uint8Array, mode: number): void {
  check("fchmodat", calls().fchmodat(directory, terminated(name), mode, noFollow));
}

/** Nanoseconds since 1970; Node's own `utimes` goes through a double and loses them. */
export function changeTimesAt(directory: Descriptor, name: Uint8Array, atimeNs: bigint, mtimeNs: bigint): void {
  const times = new BigInt64Array([...timespec(atimeNs), ...timespec(mtimeNs)]);
  check("utimensat", calls().utimensat(directory, terminated(name), times, noFollow));
}

/** The value of several flags differs by platform, and Node names only some of them. */
const currentDirectory = isMac ? -2 : -100;
const removeDirectory = isMac ? 0x80 : 0x200;
/** Linux's O_PATH names a directory without the right to read it. */
const onlyAsPlace = isMac ? 0 : 0o10000000;

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | closeOnExec | onlyAsPlace;
/** O_NONBLOCK so that a fifo put in a file's place can't hold us; on a regular file it does nothing. */
const fileFlags = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY | closeOnExec;

function openAt(directory: Descriptor, name: Uint8Array, flags: number, mode: number): Descriptor {
  return check("openat", calls().openat(directory, terminated(name), flags, "uint", mode));
}

const nsPerSecond = 1_000_000_000n;

function timespec(ns: bigint): [seconds: bigint, ns: bigint] {
  // Nanoseconds are counted upwards before 1970 too.
  const rest = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return [(ns - rest) / nsPerSecond, rest];
}
