import { mkdir, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isEngineError } from "../../errors/engine-error.ts";
import { isId } from "../../format/ids.ts";
import type { IndexRowsCache } from "../../repository/index-rows-cache.ts";
import { cacheFileMode, cacheFolderMode } from "./cache-folder.ts";
import { isMissing } from "./file-errors.ts";
import { readFileRange } from "./read-file-range.ts";
import { replaceFile } from "./write-durably.ts";

/** Beside restic's own folders, which it leaves alone; `restic cache --cleanup` deletes it with the whole repository's. */
const folderName = "saveos-index";

/** Index files as rows, a file each, in the cache folder `root` of a repository. Failures are told to `onError`. */
export function diskIndexRows(root: string, onError: (error: unknown) => void): IndexRowsCache {
  const folder = join(root, folderName);

  return {
    async get(id) {
      try {
        return await readFileRange(join(folder, id), undefined, `${id} in the cache ${folder}`);
      } catch (error) {
        if (!isMissing(error) && !isEngineError(error, "corrupt-data")) onError(error);
        return undefined;
      }
    },
    async put(id, sealed) {
      try {
        await mkdir(folder, { recursive: true, mode: cacheFolderMode });
        await replaceFile(join(folder, id), sealed, cacheFileMode);
      } catch (error) {
        onError(error);
      }
    },
    async keepOnly(ids) {
      try {
        for (const name of await readdir(folder)) {
          const isKept = (ids as ReadonlySet<string>).has(name);
          // Whatever else is there, such as a temporary file of another process, is not ours to delete.
          if (!isKept && isId(name)) await unlinkIfThere(join(folder, name));
        }
      } catch (error) {
        if (!isMissing(error)) onError(error);
      }
    },
  };
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}
