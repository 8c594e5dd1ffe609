import { encodeName } from "../../format/names.ts";
import { lastingMemory } from "./lasting-memory.ts";

/** Linux and macOS take no longer path at once (PATH_MAX, with the NUL). */
const pathMaxBytes = 4096;

const { bytes: buffer, address } = lastingMemory(pathMaxBytes);
const encoder = new TextEncoder();
let written = "";

/**
 * The address of a path as C wants it, good until the next call; 0 for one that is too long, or has a NUL within. System calls take it as a number:
 * several on one path cost one encoding, and no array.
 */
export function pathAddress(path: string): number {
  if (path === written) return address;
  written = "";
  const length = write(path);
  if (length >= pathMaxBytes) return 0;
  buffer[length] = 0;
  if (buffer.indexOf(0) !== length) return 0;
  written = path;
  return address;
}

function write(path: string): number {
  if (path.length >= pathMaxBytes) return pathMaxBytes;
  if (path.isWellFormed()) {
    const { read, written: length } = encoder.encodeInto(path, buffer);
    return read === path.length ? length : pathMaxBytes;
  }
  const bytes = encodeName(path);
  if (bytes.length >= pathMaxBytes) return pathMaxBytes;
  buffer.set(bytes);
  return bytes.length;
}
