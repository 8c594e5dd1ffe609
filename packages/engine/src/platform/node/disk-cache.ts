import { mkdir, readdir, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isEngineError } from "../../errors/engine-error.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { ObjectKind } from "../../format/object-name.ts";
import { type HashedName, idFromFileName, shardOf, shards, splitName } from "../../store/layout.ts";
import type { IndexRowsCache } from "../../repository/index-rows-cache.ts";
import type { ObjectCache } from "../../store/object-cache.ts";
import { cacheFileMode, cacheFolderMode, readyCacheFolder } from "./cache-folder.ts";
import { isMissing } from "./file-errors.ts";
import { diskIndexRows } from "./disk-index-rows.ts";
import { readFileRange } from "./read-file-range.ts";
import { replaceFile } from "./write-durably.ts";

const cachedKinds: readonly ObjectKind[] = ["data", "index", "snapshots"];

export interface DiskCache {
  /** Copies of stored objects, laid out as restic's own, so both programs use one. */
  readonly objects: ObjectCache;
  /** Index files made ready to be loaded; its failures are told to `onError`. */
  readonly indexRows: IndexRowsCache;
}

/**
 * Opens the cache of one repository in `baseFolder` and notes the time of use on its folder. Rejects with `unsupported` if a newer program laid it out, with
 * `invalid-input` for a repository id that is not 64 hex digits, and with the system's errors.
 */
export async function openDiskCache(
  baseFolder: string,
  repositoryId: string,
  now: Date,
  onError: (error: unknown) => void = () => undefined,
): Promise<DiskCache> {
  const root = await readyCacheFolder(baseFolder, repositoryId, now);
  return { objects: diskObjects(root), indexRows: diskIndexRows(root, onError) };
}

function diskObjects(root: string): ObjectCache {
  const pathOf = (name: HashedName) => {
    const { kind, id } = splitName(name);
    return join(root, kind, shardOf(id), id);
  };

  async function* list(kind: ObjectKind): AsyncGenerator<ObjectId> {
    if (!cachedKinds.includes(kind)) return;
    // Most of the 256 folders were never made; asking for each would cost more than all the rest of opening a small repository.
    for (const shard of await namesIn(join(root, kind))) {
      if (!shards.includes(shard)) continue;
      for (const fileName of await namesIn(join(root, kind, shard))) {
        const id = idFromFileName(fileName);
        if (id !== undefined && shardOf(id) === shard) yield id;
      }
    }
  }

  return {
    async get(name, range) {
      try {
        return await readFileRange(pathOf(name), range, `${name} in the cache ${root}`);
      } catch (error) {
        if (isMissing(error) || isEngineError(error, "corrupt-data")) return undefined;
        throw error;
      }
    },
    async put(name, bytes) {
      await mkdir(dirname(pathOf(name)), { recursive: true, mode: cacheFolderMode });
      await replaceFile(pathOf(name), bytes, cacheFileMode);
    },
    list,
    async delete(name) {
      await unlink(pathOf(name)).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    },
  };
}

/** Where restic keeps its caches on this system: `$RESTIC_CACHE_DIR`, or the user's folder for caches. */
export function defaultCacheFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  const chosen = env["RESTIC_CACHE_DIR"];
  if (chosen !== undefined && chosen !== "") return chosen;
  return join(userCacheFolder(env, platform), "restic");
}

function userCacheFolder(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string {
  const ofSystem =
    platform === "win32" ? env["LOCALAPPDATA"] : platform === "darwin" ? undefined : env["XDG_CACHE_HOME"];
  if (ofSystem !== undefined && ofSystem !== "") return ofSystem;
  const home = homedir();
  if (platform === "win32") return join(home, "AppData", "Local");
  return platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache");
}

/** What a folder holds; nothing if it is missing, or is no folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
