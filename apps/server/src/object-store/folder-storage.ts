import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, open, readdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../server-error.ts";
import { checkedBody, hashOf } from "./checked-body.ts";
import {
  giveName,
  inBatches,
  listFolder,
  makeFolder,
  moveFile,
  moveFileUnlessThere,
  openNew,
  statIfThere,
  subfolders,
  syncFolder,
  unlinkReadOnly,
  writeAll,
} from "./folder-files.ts";
import { type HashedKind, type HashedName, type ObjectName, hashedKinds, labelOf, layoutPath } from "./object-name.ts";
import { ObjectStorageError } from "./object-storage-error.ts";
import type {
  ListedObject,
  ObjectFacts,
  ObjectStorage,
  OpenedObject,
  RangeRequest,
  UploadResult,
  UploadTerms,
} from "./object-storage.ts";
import { onDisk } from "./on-disk.ts";
import { resolveRange } from "./resolve-range.ts";

const folderMode = 0o700;
/** Objects never change, so nobody may write to them (as restic's own local backend leaves them). */
const objectMode = 0o400;
const temporaryMarker = "-tmp-";
/** Beside the repositories, on the same disk: a move is a rename, and restic's own layout stays clean. No repository's id is called so. */
const quarantineFolder = "quarantine";
/** Bytes read ahead for a slow reader: what a download holds in memory. */
const readAheadBytes = 256 * 1024;

/**
 * Objects as files in restic's own layout: `<path>/<repository>/data/ab/ab…`. `restic -r <path>/<repository>` works on it.
 * Durable by restic's local protocol: temporary file beside the object, fsync, then its name, then fsync of the folder.
 */
export async function folderStorage(path: string): Promise<ObjectStorage> {
  await onDisk(`the folder for objects ${path}`, () => mkdir(path, { recursive: true, mode: folderMode }));
  return new FolderStorage(path);
}

class FolderStorage implements ObjectStorage {
  readonly label: string;
  readonly #path: string;

  constructor(path: string) {
    this.label = `folder ${path}`;
    this.#path = path;
  }

  async createRepository(repositoryId: string): Promise<void> {
    const root = this.#root(repositoryId);
    const shards = Array.from({ length: 256 }, (_, shard) => `data/${shard.toString(16).padStart(2, "0")}`);
    await onDisk(`the repository ${repositoryId}`, async () => {
      for (const folder of ["", ...hashedKinds]) await makeFolder(join(root, folder));
      await Promise.all(shards.map((shard) => makeFolder(join(root, shard))));
      for (const folder of [join(root, "data"), root, this.#path]) await syncFolder(folder);
    });
  }

  async put(
    repositoryId: string,
    object: ObjectName,
    body: AsyncIterable<Uint8Array>,
    terms: UploadTerms,
  ): Promise<UploadResult> {
    const label = labelOf(object);
    const path = this.#pathOf(repositoryId, object);
    const temporaryPath = `${path}${temporaryMarker}${randomBytes(8).toString("hex")}`;
    const checked = checkedBody(object, body, terms);
    const file = await onDisk(label, () => openNew(temporaryPath, this.#root(repositoryId)));
    try {
      try {
        for await (const batch of inBatches(checked)) {
          await onDisk(label, () => writeAll(file, batch));
          if (terms.onWritten !== undefined) batch.forEach(terms.onWritten);
        }
        await onDisk(label, async () => {
          await file.chmod(objectMode);
          await file.sync();
        });
      } finally {
        await onDisk(label, () => file.close());
      }
      const outcome = await onDisk(label, () => giveName(temporaryPath, path));
      await onDisk(label, () => syncFolder(dirname(path)));
      return { outcome, sha256: hashOf(checked) };
    } catch (error) {
      // Gone already if it got its name; on a disk in trouble the first error is the one to tell.
      await unlink(temporaryPath).catch(() => undefined);
      throw error;
    }
  }

  async get(repositoryId: string, object: ObjectName, request?: RangeRequest): Promise<OpenedObject> {
    return await onDisk(labelOf(object), async () => {
      const file = await open(this.#pathOf(repositoryId, object), constants.O_RDONLY);
      try {
        const { size: sizeBytes, mtime: storedAt } = await file.stat();
        const range = resolveRange(request, sizeBytes);
        // A read stream's `end` is included, so it can't say "nothing": an empty object is read to its end instead.
        const bounds = range.end > range.start ? { start: range.start, end: range.end - 1 } : {};
        return {
          sizeBytes,
          storedAt,
          range,
          stream: file.createReadStream({ ...bounds, highWaterMark: readAheadBytes }),
        };
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  async stat(repositoryId: string, object: ObjectName): Promise<ObjectFacts> {
    const found = await onDisk(labelOf(object), () => stat(this.#pathOf(repositoryId, object)));
    if (!found.isFile()) throw new ObjectStorageError("not-found", `${labelOf(object)} is not a file`);
    return { sizeBytes: found.size, storedAt: found.mtime };
  }

  async *list(repositoryId: string, kind: HashedKind): AsyncGenerator<readonly ListedObject[]> {
    const what = `${kind}/ of the repository ${repositoryId}`;
    yield* listKind(what, this.#root(repositoryId), kind);
  }

  async delete(repositoryId: string, object: ObjectName): Promise<void> {
    await this.#deleteFile(object, this.#pathOf(repositoryId, object));
  }

  async quarantine(repositoryId: string, object: HashedName): Promise<ObjectFacts | undefined> {
    const [path, quarantined] = [this.#pathOf(repositoryId, object), this.#quarantinePathOf(repositoryId, object)];
    return await onDisk(labelOf(object), async () => {
      const found = await factsIfThere(path);
      if (found !== undefined) await this.#move(path, quarantined);
      return await factsIfThere(quarantined);
    });
  }

  async bringBack(repositoryId: string, object: HashedName): Promise<ObjectFacts | undefined> {
    const [path, quarantined] = [this.#pathOf(repositoryId, object), this.#quarantinePathOf(repositoryId, object)];
    return await onDisk(labelOf(object), async () => {
      const found = await factsIfThere(quarantined);
      if (found !== undefined) await moveFileUnlessThere(quarantined, path, this.#path);
      return await factsIfThere(path);
    });
  }

  async purge(repositoryId: string, object: HashedName): Promise<void> {
    await this.#deleteFile(object, this.#quarantinePathOf(repositoryId, object));
  }

  async *listQuarantine(repositoryId: string, kind: HashedKind): AsyncGenerator<readonly ListedObject[]> {
    const root = join(this.#path, quarantineFolder, repositoryId);
    const what = `the quarantine of ${kind}/ of the repository ${repositoryId}`;
    if ((await onDisk(what, () => statIfThere(join(root, kind)))) !== undefined) yield* listKind(what, root, kind);
  }

  async removeAbandonedUploads(repositoryId: string, before: Date): Promise<number> {
    const root = this.#root(repositoryId);
    let removed = 0;
    await onDisk(`unfinished uploads of the repository ${repositoryId}`, async () => {
      const shards = (await subfolders(join(root, "data"))).map((shard) => `data/${shard}`);
      for (const folder of ["", ...hashedKinds, ...shards]) {
        for (const name of await readdir(join(root, folder))) {
          if (!name.includes(temporaryMarker)) continue;
          const path = join(root, folder, name);
          const found = await statIfThere(path);
          if (!found?.isFile() || found.mtime >= before) continue;
          await unlinkReadOnly(path);
          removed += 1;
        }
      }
    });
    return removed;
  }

  async health(): Promise<void> {
    await onDisk(`the folder for objects ${this.#path}`, () =>
      access(this.#path, constants.R_OK | constants.W_OK | constants.X_OK),
    );
  }

  async #deleteFile(object: ObjectName, path: string): Promise<void> {
    await onDisk(labelOf(object), async () => {
      try {
        await unlinkReadOnly(path);
      } catch (error) {
        if (errorCode(error) === "ENOENT") return;
        throw error;
      }
      await syncFolder(dirname(path));
    });
  }

  /** Another request may move the same object at the same moment. */
  async #move(from: string, to: string): Promise<void> {
    try {
      await moveFile(from, to, this.#path);
    } catch (error) {
      if (errorCode(error) !== "ENOENT" || (await statIfThere(to)) === undefined) throw error;
    }
  }

  #root(repositoryId: string): string {
    return join(this.#path, repositoryId);
  }

  #pathOf(repositoryId: string, object: ObjectName): string {
    return join(this.#root(repositoryId), layoutPath(object));
  }

  #quarantinePathOf(repositoryId: string, object: HashedName): string {
    return join(this.#path, quarantineFolder, repositoryId, layoutPath(object));
  }
}

async function* listKind(what: string, root: string, kind: HashedKind): AsyncGenerator<readonly ListedObject[]> {
  const folder = join(root, kind);
  // One level of folders, as restic's local backend: a pack directly in `data` is in no list.
  const folders = kind === "data" ? await onDisk(what, () => subfolders(folder)) : [""];
  for (const shard of folders) yield await onDisk(what, () => listFolder(join(folder, shard)));
}

async function factsIfThere(path: string): Promise<ObjectFacts | undefined> {
  const found = await statIfThere(path);
  return found?.isFile() === true ? { sizeBytes: found.size, storedAt: found.mtime } : undefined;
}
