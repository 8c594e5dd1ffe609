import { constants } from "node:fs";
import koffi from "koffi";
import { decodeName, encodeName } from "../../format/names.ts";
import { calls, check, closeOnExec, type Descriptor, isMac, terminated } from "./posix-library.ts";

/** The names of the extended attributes of the entry itself. */
export function listAttributesAt(directory: Descriptor, name: Uint8Array): string[] {
  return withAttributesOf(directory, name, (place) => {
    for (;;) {
      const size = check("listxattr", place.list(null, 0));
      if (size === 0) return [];
      const names = new Uint8Array(size);
      const used = place.list(names, size);
      // Somebody added one between the two calls.
      if (used < 0 && koffi.errno() === koffi.os.errno["ERANGE"]) continue;
      return decodeName(names.subarray(0, check("listxattr", used)))
        .split("\0")
        .filter((attribute) => attribute !== "");
    }
  });
}

export function setAttributeAt(directory: Descriptor, name: Uint8Array, attribute: string, value: Uint8Array): void {
  withAttributesOf(directory, name, (place) =>
    check("setxattr", place.set(terminated(encodeName(attribute)), value, value.length)),
  );
}

export function removeAttributeAt(directory: Descriptor, name: Uint8Array, attribute: string): void {
  withAttributesOf(directory, name, (place) => check("removexattr", place.remove(terminated(encodeName(attribute)))));
}

/** How the attributes of one entry are reached. */
interface AttributePlace {
  list(names: Uint8Array | null, size: number): number;
  set(attribute: Uint8Array, value: Uint8Array, size: number): number;
  remove(attribute: Uint8Array): number;
}

/**
 * Linux has no such calls by directory and name before 6.13. The calls that don't follow a link are given a path whose first part is the open
 * directory itself, as /proc shows it: so nobody can lead it elsewhere. macOS opens the entry instead.
 */
function withAttributesOf<Result>(
  directory: Descriptor,
  name: Uint8Array,
  use: (place: AttributePlace) => Result,
): Result {
  if (isMac) return withOpenedAttributes(directory, name, use);
  const prefix = encodeName(`/proc/self/fd/${directory}/`);
  const joined = new Uint8Array(prefix.length + name.length);
  joined.set(prefix);
  joined.set(name, prefix.length);
  const path = terminated(joined);
  return use({
    list: (names, size) => calls().llistxattr(path, names, size),
    set: (attribute, value, size) => calls().lsetxattr(path, attribute, value, size, 0),
    remove: (attribute) => calls().lremovexattr(path, attribute),
  });
}

function withOpenedAttributes<Result>(
  directory: Descriptor,
  name: Uint8Array,
  use: (place: AttributePlace) => Result,
): Result {
  const openLinkItself = 0x200000;
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | openLinkItself | closeOnExec;
  const descriptor = check("openat", calls().openat(directory, terminated(name), flags, "uint", 0));
  try {
    return use({
      list: (names, size) => calls().flistxattr(descriptor, names, size, 0),
      set: (attribute, value, size) => calls().fsetxattr(descriptor, attribute, value, size, 0, 0),
      remove: (attribute) => calls().fremovexattr(descriptor, attribute, 0),
    });
  } finally {
    calls().close(descriptor);
  }
}
