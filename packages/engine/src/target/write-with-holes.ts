import type { TargetFile } from "./file-target.ts";

/** The block of most file systems: a smaller hole saves nothing. */
const blockBytes = 4096;

/**
 * Writes `bytes` into a file that reads as zeros there, leaving out whole blocks of zeros: they take no room on the disk. The file must
 * have its full size already.
 */
export async function writeWithHoles(file: TargetFile, offset: number, bytes: Uint8Array): Promise<void> {
  let from = 0;
  while (from < bytes.length) {
    let end = from;
    const isHole = isZeros(bytes, from, blockEnd(from));
    while (end < bytes.length && isZeros(bytes, end, blockEnd(end)) === isHole) end = blockEnd(end);
    if (!isHole) await file.write(offset + from, bytes.subarray(from, end));
    from = end;
  }

  /** Blocks are the file's, not the buffer's. */
  function blockEnd(at: number): number {
    return Math.min(bytes.length, at + blockBytes - ((offset + at) % blockBytes));
  }
}

function isZeros(bytes: Uint8Array, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) if (bytes[at] !== 0) return false;
  return true;
}
