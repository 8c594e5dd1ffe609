import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { goModeFromPosix } from "../../format/file-mode.ts";
import { decodeName } from "../../format/names.ts";
import { EngineError } from "../../errors/engine-error.ts";
import type { FileSource, FollowLinks, MetadataOptions, SourceMetadata, SourceStat } from "../../source/file-source.ts";
import { EventLoopBreather } from "./event-loop-breather.ts";
import { extendedAttributes } from "./extended-attributes.ts";
import { listDirectory } from "./list-directory.ts";
import { type NamesOfUsers, namesOfUsers } from "./names-of-users.ts";
import { NodeStat } from "./node-stat.ts";
import { readRegularFile } from "./read-regular-file.ts";
import { readingSource, sourceError } from "./source-errors.ts";
import { absolutePath, nameEncoding, nameFromSystem, systemPath } from "./source-path.ts";
import { windowsAttributes } from "./windows-attributes.ts";

/**
 * The files of this machine. What a file is and has is asked synchronously, which takes a fraction of the time of asking through the thread pool; the
 * event loop gets its turn every 20 ms.
 */
export function nodeSource(): FileSource {
  const breather = new EventLoopBreather();
  const users = namesOfUsers();
  return {
    absolute: absolutePath,
    async stat(path, options = {}) {
      await breather.pauseIfDue();
      return readingSource(path, () => lstat(placeOf(path, options)));
    },
    async metadata(path, stat, options) {
      await breather.pauseIfDue();
      return readingSource(path, () => readMetadata(path, placeOf(path, options), stat, users, options));
    },
    async list(path, options = {}) {
      await breather.pauseIfDue();
      try {
        return await listDirectory(placeOf(path, options), breather);
      } catch (error) {
        throw sourceError(error, path);
      }
    },
    read: (path, options = {}) => readRegularFile(path, breather, options),
  };
}

/** Where the entry really is. */
function placeOf(path: string, { followLinks = false }: FollowLinks): string {
  if (!followLinks) return path;
  return absolutePath(decodeName(realpathSync(systemPath(path), "buffer")));
}

function lstat(place: string): NodeStat {
  return new NodeStat(lstatSync(systemPath(place), { bigint: true }));
}

function readMetadata(
  path: string,
  place: string,
  given: SourceStat,
  users: NamesOfUsers,
  { withAtime, onWarning }: MetadataOptions,
): SourceMetadata {
  const stat = given instanceof NodeStat ? given : lstat(place);
  const { type, raw } = stat;
  if (type === "other") throw new EngineError("source-unreadable", `${path} is of a kind that can't be backed up`);
  const uid = Number(raw.uid);
  const gid = Number(raw.gid);
  return {
    name: path.slice(path.lastIndexOf("/") + 1),
    type,
    mode: goModeFromPosix(process.platform === "win32" ? windowsMode(raw.mode) : Number(raw.mode)),
    mtimeNs: stat.mtimeNs,
    atimeNs: withAtime ? raw.atimeNs : stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    uid,
    gid,
    user: users.user(uid),
    group: users.group(gid),
    inode: stat.inode,
    deviceId: stat.deviceId,
    size: type === "file" ? stat.size : 0,
    links: hasLinks.has(type) ? stat.links : 0n,
    linkTarget: type === "symlink" ? readLink(place) : "",
    extendedAttributes: extendedAttributes(place, onWarning),
    genericAttributes: process.platform === "win32" ? windowsAttributes(place, raw.birthtimeNs) : noAttributes,
    device: type === "dev" || type === "chardev" ? raw.rdev : 0n,
  };
}

const hasLinks: ReadonlySet<string> = new Set(["file", "symlink", "dev", "chardev"]);
const noAttributes: ReadonlyMap<string, string> = new Map();

function readLink(place: string): string {
  return nameFromSystem(readlinkSync(systemPath(place), nameEncoding));
}

/** Windows knows read-only or not; restic writes 0444 or 0666, with 0111 for a directory. */
function windowsMode(mode: bigint): number {
  const type = Number(mode) & 0o170000;
  const isDirectory = type === 0o040000;
  const isWritable = (Number(mode) & 0o200) !== 0;
  return type | (isWritable ? 0o666 : 0o444) | (isDirectory ? 0o111 : 0);
}
