import { resolve } from "node:path";
import { decodeName, encodeName } from "../../format/names.ts";

/**
 * Between the engine's paths (escaped strings, `/`-separated, `format/names.ts`) and what the system takes. On POSIX that is bytes; Node takes a
 * string for those that are valid UTF-8, which is faster. On Windows it is UTF-16 that may have lone surrogates; in escaped
 * strings these are three bytes each (WTF-8), as restic has them.
 */
export function systemPath(path: string): string | Buffer {
  if (path.isWellFormed()) return path;
  if (isWindows) return unescapeSurrogates(path);
  return Buffer.from(encodeName(path));
}

/**
 * The name of a directory entry that Node gave. On POSIX it was asked for as latin1: a character for a byte, the shortest form in which nothing is lost.
 */
export function nameFromSystem(name: string): string {
  if (isWindows) return name.isWellFormed() ? name : decodeName(encodeName(name));
  return isAscii.test(name) ? name : decodeName(Buffer.from(name, "latin1"));
}

/** In which form to ask Node for names. */
export const nameEncoding: BufferEncoding = process.platform === "win32" ? "utf8" : "latin1";

/** Absolute and clean, from where this process stands. */
export function absolutePath(path: string): string {
  const absolute = resolve(path);
  return isWindows ? absolute.replaceAll("\\", "/") : absolute;
}

const isWindows = process.platform === "win32";
// oxlint-disable-next-line no-control-regex -- all of ASCII is meant
const isAscii = /^[\0-\x7f]*$/;

/** Each lone surrogate of UTF-16 that was escaped as three bytes ED A0–BF 80–BF becomes itself again. */
function unescapeSurrogates(path: string): string {
  return path.replace(/\udced([\udca0-\udcbf])([\udc80-\udcbf])/g, (_all, middle: string, last: string) =>
    String.fromCharCode(0xd000 | ((middle.charCodeAt(0) & 0x3f) << 6) | (last.charCodeAt(0) & 0x3f)),
  );
}
