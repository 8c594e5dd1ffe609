import { mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../../errors/engine-error.ts";
import { isId } from "../../format/ids.ts";
import { errnoOf } from "./file-errors.ts";

/** The layout that we know of; restic writes this number into each repository's folder. */
const cacheVersion = 1;

/** Tells backup programs to leave the folder out (bford.info/cachedir). */
const cacheTag = "Signature: 8a477f597d28d172789f06886806bc55\n";

/** For the owner alone. */
export const cacheFolderMode = 0o700;
export const cacheFileMode = 0o600;

/**
 * Makes the folder of one repository in the cache folder `baseFolder` ready, as restic does, and gives its path. Its time of use is noted
 * on it: restic calls folders that rested for 30 days old. Rejects as `openDiskCache` does.
 */
export async function readyCacheFolder(baseFolder: string, repositoryId: string, now: Date): Promise<string> {
  // The id is read from a repository that may be hostile, and names a folder here.
  if (!isId(repositoryId)) throw new EngineError("invalid-input", "A repository's id is 64 hex digits");
  const root = join(baseFolder, repositoryId);
  await mkdir(root, { recursive: true, mode: cacheFolderMode });
  await Promise.all([
    writeIfMissing(join(baseFolder, "CACHEDIR.TAG"), cacheTag),
    writeIfMissing(join(root, "version"), String(cacheVersion)),
  ]);
  await requireKnownVersion(root);
  await utimes(root, now, now);
  return root;
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
