import { mkdir, opendir, readFile, unlink, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import { type ObjectId, isId } from "../../format/ids.ts";
import type { ObjectKind } from "../../format/object-name.ts";
import { type HashedName, idFromFileName, shardOf, shards, splitName } from "../../store/layout.ts";
import type { ObjectCache } from "../../store/object-cache.ts";
import { errnoOf, isMissing } from "./file-errors.ts";
import { readFileRange } from "./read-file-range.ts";
import { replaceFile } from "./write-durably.ts";

/** The layout that we know of; restic writes this number into each repository's folder. */
const cacheVersion = 1;

/** Tells backup programs to leave the folder out (bford.info/cachedir). */
const cacheTag = "Signature: 8a477f597d28d172789f06886806bc55\n";

const cachedKinds: readonly ObjectKind[] = ["data", "index", "snapshots"];

const folderMode = 0o700;

/**
 * Opens the cache of one repository in `baseFolder`, laid out as restic's own, so both programs use one. Its time of use is noted on the
 * folder: restic calls folders that rested for 30 days old. Rejects with `unsupported` if a newer program laid it out, with
 * `invalid-input` for a repository id that is not 64 hex digits, and with the system's errors.
 */
export async function openDiskCache(baseFolder: string, repositoryId: string, now: Date): Promise<ObjectCache> {
  // The id is read from a repository that may be hostile, and names a folder here.
  if (!isId(repositoryId)) throw new EngineError("invalid-input", "A repository's id is 64 hex digits");
  const root = join(baseFolder, repositoryId);
  await mkdir(root, { recursive: true, mode: folderMode });
  await writeIfMissing(join(baseFolder, "CACHEDIR.TAG"), cacheTag);
  await writeIfMissing(join(root, "version"), String(cacheVersion));
  await requireKnownVersion(root);
  await utimes(root, now, now);
  return diskCache(root);
}

function diskCache(root: string): ObjectCache {
  const pathOf = (name: HashedName) => {
    const { kind, id } = splitName(name);
    return join(root, kind, shardOf(id), id);
  };

  async function* list(kind: ObjectKind): AsyncGenerator<ObjectId> {
    if (!cachedKinds.includes(kind)) return;
    for (const shard of shards) {
      for (const fileName of await fileNamesIn(join(root, kind, shard))) {
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
      await mkdir(dirname(pathOf(name)), { recursive: true, mode: folderMode });
      await replaceFile(pathOf(name), bytes, 0o600);
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

async function fileNamesIn(folder: string): Promise<string[]> {
  try {
    const names: string[] = [];
    for await (const entry of await opendir(folder)) names.push(entry.name);
    return names;
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function writeIfMissing(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o644 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

async function requireKnownVersion(root: string): Promise<void> {
  const text = (await readFile(join(root, "version"), "utf8")).trim();
  // Empty: another program made the file a moment ago and is about to write into it.
  if (text === "" || Number(text) === cacheVersion) return;
  throw new EngineError("unsupported", `The cache ${root} has version ${JSON.stringify(text)}, not ${cacheVersion}`, {
    hint: "Delete the folder, or use another cache folder.",
  });
}
