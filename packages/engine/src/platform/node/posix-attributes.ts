import { constants } from "node:fs";
import koffi from "koffi";
import { decodeName } from "../../format/names.ts";
import { cString } from "./c-string.ts";
import { calls, check, closeOnExec, type Descriptor, isMac } from "./posix-library.ts";

/** The names of the extended attributes of the entry itself. */
export function listAttributesAt(directory: Descriptor, name: string): string[] {
  return withAttributesOf(directory, name, listed);
}

export function setAttributeAt(directory: Descriptor, name: string, attribute: string, value: Uint8Array): void {
  withAttributesOf(directory, name, (place) => setIn(place, attribute, value));
}

export function removeAttributeAt(directory: Descriptor, name: string, attribute: string): void {
  withAttributesOf(directory, name, (place) => removeFrom(place, attribute));
}

/** The same for a file that is open. */
export function listAttributesOf(descriptor: Descriptor): string[] {
  // Nearly every file has none: asked at once, without what the rest takes.
  const isNone = check("flistxattr", calls().flistxattr(descriptor, null, 0, ...macOptions)) === 0;
  return isNone ? [] : listed(openedPlace(descriptor));
}

export function setAttributeOf(descriptor: Descriptor, attribute: string, value: Uint8Array): void {
  setIn(openedPlace(descriptor), attribute, value);
}

export function removeAttributeOf(descriptor: Descriptor, attribute: string): void {
  removeFrom(openedPlace(descriptor), attribute);
}

function listed(place: AttributePlace): string[] {
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
}

function setIn(place: AttributePlace, attribute: string, value: Uint8Array): void {
  check("setxattr", place.set(attribute, value, value.length));
}

function removeFrom(place: AttributePlace, attribute: string): void {
  check("removexattr", place.remove(attribute));
}

/** How the attributes of one entry are reached. */
interface AttributePlace {
  list(names: Uint8Array | null, size: number): number;
  set(attribute: string, value: Uint8Array, size: number): number;
  remove(attribute: string): number;
}

/**
 * Linux has no such calls by directory and name before 6.13. The calls that don't follow a link are given a path whose first part is the open
 * directory itself, as /proc shows it: so nobody can lead it elsewhere. macOS opens the entry instead.
 */
function withAttributesOf<Result>(directory: Descriptor, name: string, use: (place: AttributePlace) => Result): Result {
  if (isMac) return withOpenedAttributes(directory, name, use);
  const path = `/proc/self/fd/${directory}/${name}`;
  return use({
    list: (names, size) => calls().llistxattr(cString(path), names, size),
    set: (attribute, value, size) => calls().lsetxattr(cString(path), cString(attribute), value, size, 0),
    remove: (attribute) => calls().lremovexattr(cString(path), cString(attribute)),
  });
}

function withOpenedAttributes<Result>(
  directory: Descriptor,
  name: string,
  use: (place: AttributePlace) => Result,
): Result {
  const openLinkItself = 0x200000;
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | openLinkItself | closeOnExec;
  const descriptor = check("openat", calls().openat(directory, cString(name), flags, "uint", 0));
  try {
    return use(openedPlace(descriptor));
  } finally {
    calls().close(descriptor);
  }
}

function openedPlace(descriptor: Descriptor): AttributePlace {
  return {
    list: (names, size) => calls().flistxattr(descriptor, names, size, ...macOptions),
    set: (attribute, value, size) => calls().fsetxattr(descriptor, cString(attribute), value, size, 0, ...macOptions),
    remove: (attribute) => calls().fremovexattr(descriptor, cString(attribute), ...macOptions),
  };
}

const macOptions: readonly number[] = isMac ? [0] : [];
