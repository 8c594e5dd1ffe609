import { closeSync, constants, openSync } from "node:fs";
import { EngineError } from "../../errors/engine-error.ts";
import { displayName } from "../../format/names.ts";
import type { SourceStat } from "../../source/file-source.ts";
import { errnoOf } from "./file-errors.ts";
import { linuxStatOf } from "./linux-stat.ts";
import { nodeStatOf } from "./node-stat.ts";
import { readingSource, sourceError } from "./source-errors.ts";
import { systemPath } from "./source-path.ts";

/**
 * Opens a regular file for reading; the caller closes the descriptor. A link is not followed, a fifo or device not waited for: they are opened
 * without blocking, looked at, and refused. Throws `source-unreadable` or `not-found`.
 */
export function openRegularFile(path: string): { readonly descriptor: number; readonly size: number } {
  const descriptor = openForReading(path);
  try {
    return { descriptor, size: requireRegular(path, descriptor).size };
  } catch (error) {
    closeSync(descriptor);
    throw error;
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

/** What an open file is now. Throws `source-unreadable`. */
export function statOfOpened(path: string, descriptor: number): SourceStat {
  return readingSource(path, () => linuxStatOf(descriptor) ?? nodeStatOf(descriptor));
}

function requireRegular(path: string, descriptor: number): SourceStat {
  const stat = statOfOpened(path, descriptor);
  if (stat.type !== "file") throw notRegular(path);
  return stat;
}

function notRegular(path: string, cause?: unknown): EngineError {
  return new EngineError("source-unreadable", `${displayName(path)} is not a regular file, or no longer`, { cause });
}
