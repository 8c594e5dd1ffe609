import { readlinkSync, realpathSync } from "node:fs";
import { decodeName } from "../../format/names.ts";
import { EngineError } from "../../errors/engine-error.ts";
import type { FileSource, FollowLinks, MetadataOptions, SourceMetadata } from "../../source/file-source.ts";
import { EventLoopBreather } from "./event-loop-breather.ts";
import { extendedAttributes } from "./extended-attributes.ts";
import { listDirectory, requireDirectory } from "./list-directory.ts";
import { type NamesOfUsers, namesOfUsers } from "./names-of-users.ts";
import { factsOf } from "./node-facts.ts";
import { linuxStat } from "./linux-stat.ts";
import { type FullStat, isFullStat, nodeStat } from "./node-stat.ts";
import { linuxEntries, linuxNames } from "./linux-entries.ts";
import { readRegularFile } from "./read-regular-file.ts";
import { readingSource, sourceError } from "./source-errors.ts";
import { absolutePath, nameEncoding, nameFromSystem, systemPath } from "./source-path.ts";
import { statEntries } from "./stat-entries.ts";
import { ThreadListing } from "./thread-listing.ts";
import { windowsAttributes } from "./windows-attributes.ts";

export interface NodeSourceOptions {
  /** Don't use the system calls that are faster: what other platforms do. */
  readonly byNodeAlone?: boolean;
}

/**
 * The files of this machine. What a file is and has is asked synchronously, which takes a fraction of the time of asking through the thread pool; the
 * event loop gets its turn every 20 ms, if the caller does as `pauseIfDue` says.
 */
export function nodeSource({ byNodeAlone = false }: NodeSourceOptions = {}): FileSource {
  const listNames = (byNodeAlone ? undefined : linuxNames) ?? listDirectory;
  const listEntries = (byNodeAlone ? undefined : linuxEntries) ?? statEntries;
  const lstat = (place: string) => (byNodeAlone ? undefined : linuxStat(place)) ?? nodeStat(place);
  const breather = new EventLoopBreather();
  const users = namesOfUsers();
  return {
    isReadByLanes: true,
    tellsChanges: process.platform !== "win32",
    absolute: absolutePath,
    pauseIfDue: () => breather.pauseIfDue(),
    stat: (path, options = {}) => readingSource(path, () => lstat(placeOf(path, options))),
    metadata: (path, stat, options) =>
      readingSource(path, () => {
        const place = placeOf(path, options);
        return readMetadata(path, place, isFullStat(stat) ? stat : lstat(place), users, options);
      }),
    async list(path, options = {}) {
      await breather.pauseIfDue();
      const place = readingSource(path, () => placeOf(path, options));
      try {
        return await listNames(place, breather);
      } catch (error) {
        throw listingError(error, path, place);
      }
    },
    async entries(path, into, options) {
      await breather.pauseIfDue();
      const place = readingSource(path, () => placeOf(path, options));
      try {
        await listEntries(place, into, breather, users, options);
      } catch (error) {
        throw listingError(error, path, place);
      }
    },
    ...(byNodeAlone ? {} : { listAhead: (options) => new ThreadListing(options) }),
    read: (path, options = {}) => readRegularFile(path, breather, options),
  };
}

/** Where the entry really is. */
function placeOf(path: string, { followLinks = false }: FollowLinks): string {
  if (!followLinks) return path;
  return absolutePath(decodeName(realpathSync(systemPath(path), "buffer")));
}

/** Why a directory can't be listed. The system says the same of a file in its place, a link, and a file above it: a second look tells. */
function listingError(error: unknown, path: string, place: string): EngineError {
  try {
    requireDirectory(place);
  } catch (reason) {
    return sourceError(reason, path);
  }
  return sourceError(error, path);
}

function readMetadata(
  path: string,
  place: string,
  stat: FullStat,
  users: NamesOfUsers,
  { withAtime, onWarning }: MetadataOptions,
): SourceMetadata {
  const { type } = stat;
  if (type === "other") throw new EngineError("source-unreadable", `${path} is of a kind that can't be backed up`);
  return {
    ...factsOf(stat, users, withAtime),
    name: path.slice(path.lastIndexOf("/") + 1),
    type,
    size: type === "file" ? stat.size : 0,
    linkTarget: type === "symlink" ? readLink(place) : "",
    extendedAttributes: extendedAttributes(place, onWarning),
    genericAttributes: process.platform === "win32" ? windowsAttributes(place, stat.birthtimeNs) : noAttributes,
    device: type === "dev" || type === "chardev" ? stat.specialDevice : 0n,
  };
}

const noAttributes: ReadonlyMap<string, string> = new Map();

function readLink(place: string): string {
  return nameFromSystem(readlinkSync(systemPath(place), nameEncoding));
}
