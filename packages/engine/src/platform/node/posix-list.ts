import { constants } from "node:fs";
import koffi from "koffi";
import {
  calls,
  check,
  closeOnExec,
  type Descriptor,
  isMac,
  type Pointer,
  SystemCallError,
  terminated,
} from "./posix-library.ts";

/** The names in a directory, without `.` and `..`. */
export function listAt(directory: Descriptor): Uint8Array[] {
  // A descriptor of its own: the position in the listing belongs to the descriptor, and this one can be read at all.
  const descriptor = openAgain(directory);
  const stream = calls().fdopendir(descriptor);
  if (stream === null) {
    const errno = koffi.errno();
    calls().close(descriptor);
    throw new SystemCallError("fdopendir", errno);
  }
  try {
    return [...readNames(stream)];
  } finally {
    calls().closedir(stream);
  }
}

function openAgain(directory: Descriptor): Descriptor {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | closeOnExec;
  return check("openat", calls().openat(directory, terminated(new TextEncoder().encode(".")), flags, "uint", 0));
}

/** Where `struct dirent` keeps its length and its name (`dirent.h`, 64-bit). */
const direntLengthAt = 16;
const direntNameAt = isMac ? 21 : 19;

function* readNames(stream: Pointer): Generator<Uint8Array> {
  for (;;) {
    koffi.errno(0);
    const entry = calls().readdir(stream);
    if (entry === null) {
      const errno = koffi.errno();
      if (errno !== 0) throw new SystemCallError("readdir", errno);
      return;
    }
    const length = new DataView(koffi.view(entry, direntNameAt)).getUint16(direntLengthAt, true);
    const bytes = new Uint8Array(koffi.view(entry, length)).slice(direntNameAt);
    const name = bytes.subarray(0, bytes.indexOf(0));
    if (!isDotName(name)) yield name;
  }
}

function isDotName(name: Uint8Array): boolean {
  return name.length <= 2 && name.every((byte) => byte === 0x2e);
}
