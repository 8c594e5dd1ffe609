import koffi, { type LibraryHandle } from "koffi";
import { addressOf, lastingMemory } from "./lasting-memory.ts";
import { check, isMac, type Pointer, SystemCallError, terminated } from "./posix-library.ts";
import { pathAddress } from "./posix-path.ts";

/**
 * The system calls that reading files needs and Node lacks. Links are never followed. Every call is synchronous, takes
 * microseconds, and throws `SystemCallError`.
 */

/** The names of the entry's extended attributes, in the order in which the system gives them. */
export function listAttributes(path: string): Uint8Array[] {
  const place = placeOf(path);
  const list = (buffer: number, size: number) => check("listxattr", library().listxattr(place, buffer, size));
  return splitNames(filled(list));
}

/** The value of one extended attribute. */
export function getAttribute(path: string, name: Uint8Array): Uint8Array {
  const place = placeOf(path);
  const attribute = terminated(name);
  return filled((buffer, size) => check("getxattr", library().getxattr(place, attribute, buffer, size)));
}

/** The name of a user, undefined if the system knows none. Asks whatever the system is set up to ask: files, LDAP, Open Directory. */
export function userNameOf(uid: number): string | undefined {
  return nameIn(library().getpwuid(uid));
}

/** The name of a group, undefined if the system knows none. */
export function groupNameOf(gid: number): string | undefined {
  return nameIn(library().getgrgid(gid));
}

/** Nearly all lists and values fit, so that one call is enough. It is the most that Linux allows for either (xattr(7)). */
const usualMaxBytes = 65_536;

const { bytes: shared, address: sharedAddress } = lastingMemory(usualMaxBytes);

const nothing = new Uint8Array(0);

/** Calls with the shared buffer, then if need be with one that is large enough: macOS allows megabytes. The result is a copy. */
function filled(call: (buffer: number, size: number) => number): Uint8Array {
  try {
    const length = call(sharedAddress, shared.length);
    return length === 0 ? nothing : shared.slice(0, length);
  } catch (error) {
    if (koffi.errno() !== koffi.os.errno["ERANGE"]) throw error;
  }
  const buffer = new Uint8Array(new ArrayBuffer(call(0, 0)));
  return buffer.slice(0, call(addressOf(buffer), buffer.length));
}

function placeOf(path: string): number {
  const address = pathAddress(path);
  if (address === 0) throw new SystemCallError("a path that is too long", koffi.os.errno["ENAMETOOLONG"] ?? 0);
  return address;
}

function splitNames(list: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  for (let start = 0; start < list.length;) {
    const end = list.indexOf(0, start);
    if (end === -1) break;
    names.push(list.subarray(start, end));
    start = end + 1;
  }
  return names;
}

/** Both `struct passwd` and `struct group` begin with a pointer to the name. */
function nameIn(entry: Pointer | null): string | undefined {
  return entry === null ? undefined : String(koffi.decode(entry, "const char *"));
}

/** Paths and buffers go as addresses. */
interface Library {
  listxattr(path: number, names: number, size: number): number;
  getxattr(path: number, name: Uint8Array, value: number, size: number): number;
  getpwuid(uid: number): Pointer | null;
  getgrgid(gid: number): Pointer | null;
}

let loaded: Library | undefined;

/** Bound at the first call, so that a platform that lacks these can load this file. */
function library(): Library {
  loaded ??= isMac ? macLibrary() : linuxLibrary();
  return loaded;
}

function linuxLibrary(): Library {
  const libc = koffi.load(null);
  return {
    listxattr: libc.func("intptr_t llistxattr(uintptr_t, uintptr_t, size_t)"),
    getxattr: libc.func("intptr_t lgetxattr(uintptr_t, const uint8_t *, uintptr_t, size_t)"),
    ...accounts(libc),
  };
}

/** Apple's calls take the options that Linux has in their names (getxattr(2)). */
function macLibrary(): Library {
  const libc = koffi.load(null);
  const listxattr = libc.func("intptr_t listxattr(uintptr_t, uintptr_t, size_t, int)");
  const getxattr = libc.func("intptr_t getxattr(uintptr_t, const uint8_t *, uintptr_t, size_t, uint32_t, int)");
  const noFollow = 1;
  return {
    listxattr: (path, names, size) => Number(listxattr(path, names, size, noFollow)),
    getxattr: (path, name, value, size) => Number(getxattr(path, name, value, size, 0, noFollow)),
    ...accounts(libc),
  };
}

function accounts(libc: LibraryHandle): Pick<Library, "getpwuid" | "getgrgid"> {
  return { getpwuid: libc.func("void *getpwuid(uint32_t)"), getgrgid: libc.func("void *getgrgid(uint32_t)") };
}
