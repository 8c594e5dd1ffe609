import { closeSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import type { Abortable } from "../../flow/abortable.ts";
import type { EventLoopBreather } from "./event-loop-breather.ts";
import { openRegularFile } from "./open-regular-file.ts";
import { sourceError } from "./source-errors.ts";

/** Large enough that the system call costs nothing beside the work on its bytes. */
const pieceMaxBytes = 512 * 1024;

/** Small enough to allocate for every file. Files that say 0 may have something: those of `/proc` do. */
const pieceMinBytes = 4 * 1024;

/** A file up to this size is read without a trip through the thread pool, which takes longer than the reading. */
const smallFileMaxBytes = 64 * 1024;

const readAsync = promisify(read);

/**
 * The bytes of a regular file, read to its end: more or fewer than its size if it changes meanwhile. All pieces of a file share one buffer.
 * A link is not followed, a fifo or device not waited for: they are opened without blocking, looked at, and refused.
 */
export async function* readRegularFile(
  path: string,
  breather: EventLoopBreather,
  { signal }: Abortable,
): AsyncGenerator<Uint8Array, void, undefined> {
  await breather.pauseIfDue();
  const { descriptor: file, size } = openRegularFile(path);
  try {
    const isSmall = size <= smallFileMaxBytes;
    // A plain array, not a Buffer: a consumer's `slice` must copy. One byte more than the file has: if it grew, that shows at once.
    const buffer = new Uint8Array(Math.min(Math.max(size + 1, pieceMinBytes), pieceMaxBytes));
    for (;;) {
      signal?.throwIfAborted();
      const length = await readPiece(path, file, buffer, isSmall);
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

async function readPiece(path: string, file: number, buffer: Uint8Array, isSmall: boolean): Promise<number> {
  try {
    if (isSmall) return readSync(file, buffer);
    return (await readAsync(file, buffer, 0, buffer.length, null)).bytesRead;
  } catch (error) {
    throw sourceError(error, path);
  }
}
