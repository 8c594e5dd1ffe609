import { closeSync, constants, fstatSync, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { displayName } from "../../format/names.ts";
import type { EventLoopBreather } from "./event-loop-breather.ts";
import { errnoOf } from "./file-errors.ts";
import { readingSource, sourceError } from "./source-errors.ts";
import { systemPath } from "./source-path.ts";

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
  const file = openForReading(path);
  try {
    const { size } = requireRegular(path, file);
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

/** Windows knows none of these flags but the first. */
const openFlags =
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** Linux only: reading does not change the time of the last access. Only the owner and root may ask for it. */
const noAccessTime = constants.O_NOATIME ?? 0;

function openForReading(path: string): number {
  const place = systemPath(path);
  try {
    return openSync(place, openFlags | noAccessTime);
  } catch (error) {
    if (errnoOf(error) !== "EPERM" || noAccessTime === 0) throw openError(error, path);
  }
  try {
    return openSync(place, openFlags);
  } catch (error) {
    throw openError(error, path);
  }
}

/** A link in the place of a file fails with `ELOOP`, whose own text speaks of too many links; a fifo without a writer, a socket or device with `ENXIO`. */
function openError(error: unknown, path: string): EngineError {
  const errno = errnoOf(error);
  return errno === "ELOOP" || errno === "EMLINK" || errno === "ENXIO"
    ? notRegular(path, error)
    : sourceError(error, path);
}

function requireRegular(path: string, file: number): { readonly size: number } {
  const stat = readingSource(path, () => fstatSync(file));
  if (!stat.isFile()) throw notRegular(path);
  return stat;
}

function notRegular(path: string, cause?: unknown): EngineError {
  return new EngineError("source-unreadable", `${displayName(path)} is not a regular file, or no longer`, { cause });
}
