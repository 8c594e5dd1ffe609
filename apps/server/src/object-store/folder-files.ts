import { constants } from "node:fs";
import { type FileHandle, chmod, link, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../server-error.ts";
import { isObjectHash } from "./object-name.ts";
import type { ListedObject } from "./object-storage.ts";

const newFileMode = 0o600;
const newFolderMode = 0o700;

/** Opens a new file for writing. Its folder is made if it is missing, but never `root`: that would fill the place of an unmounted disk. */
export async function openNew(path: string, root: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  try {
    return await open(path, flags, newFileMode);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    await stat(root);
    await mkdir(dirname(path), { recursive: true, mode: newFolderMode });
    return await open(path, flags, newFileMode);
  }
}

/** Bytes that are gathered for one write: TLS brings records of 16 KiB, and to hand each to a thread cost nearly 2 s of CPU a gigabyte. */
const writeBytes = 256 * 1024;

/** The chunks of `body`, as many together as one write takes. */
export async function* inBatches(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  for await (const chunk of body) {
    batch.push(chunk);
    batchBytes += chunk.length;
    if (batchBytes < writeBytes) continue;
    yield batch;
    batch = [];
    batchBytes = 0;
  }
  if (batchBytes > 0) yield batch;
}

/** Writes all of `parts`, one after the other; the system may take them in several goes. */
export async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let { bytesWritten: skipBytes } = await file.writev(parts);
  for (const part of parts) {
    let done = Math.min(skipBytes, part.length);
    skipBytes -= done;
    while (done < part.length) done += (await file.write(part, done, part.length - done)).bytesWritten;
  }
}

/**
 * Gives a finished file its name, unless there is one of that name: a link is exclusive, a rename would replace. Where the file system
 * has no links, two uploads that end in the same instant may both be "stored"; both are whole, and for hashed names the same bytes.
 */
export async function giveName(temporaryPath: string, path: string): Promise<"stored" | "exists"> {
  try {
    await link(temporaryPath, path);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") return await renameUnlessThere(temporaryPath, path, error);
    await unlinkReadOnly(temporaryPath);
    return "exists";
  }
  await unlinkReadOnly(temporaryPath);
  return "stored";
}

const withoutLinks: readonly (string | undefined)[] = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"];

async function renameUnlessThere(
  temporaryPath: string,
  path: string,
  linkError: unknown,
): Promise<"stored" | "exists"> {
  if (!withoutLinks.includes(errorCode(linkError))) throw linkError;
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) {
    await rename(temporaryPath, path);
    return "stored";
  }
  await unlinkReadOnly(temporaryPath);
  return "exists";
}

/** Moves a file below `root`, over one of that name. Both folders are durable then. */
export async function moveFile(from: string, to: string, root: string): Promise<void> {
  await inFolderBelow(root, to, () => rename(from, to));
  await syncFolder(dirname(to));
  await syncFolder(dirname(from));
}

/** The same, but a file that has the name already stays, and the moved one is gone. At no moment is there none. */
export async function moveFileUnlessThere(from: string, to: string, root: string): Promise<void> {
  try {
    await inFolderBelow(root, to, () => link(from, to));
  } catch (error) {
    if (withoutLinks.includes(errorCode(error)) && (await statIfThere(to)) === undefined)
      return await moveFile(from, to, root);
    if (errorCode(error) !== "EEXIST") throw error;
  }
  await syncFolder(dirname(to));
  await unlinkReadOnly(from);
  await syncFolder(dirname(from));
}

/** Makes the folder of `path` if an action fails for want of it, durably. What it is below must be there. */
async function inFolderBelow(root: string, path: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    const folders = [];
    for (let folder = dirname(path); folder.startsWith(root) && folder !== root; folder = dirname(folder))
      folders.unshift(folder);
    for (const folder of folders) {
      await makeFolder(folder);
      await syncFolder(dirname(folder));
    }
    await action();
  }
}

/** Makes one folder, unless it is there. What it lies in must be: the place of an unmounted disk stays empty. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: newFolderMode });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

/** Makes names in a folder durable. Windows can't open folders and keeps its names without it. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } catch (error) {
    // Some network file systems can't sync a folder at all.
    if (errorCode(error) !== "ENOTSUP" && errorCode(error) !== "EINVAL") throw error;
  } finally {
    await folder.close();
  }
}

/** Removes a file that is read-only; Windows refuses that until it is writable. */
export async function unlinkReadOnly(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (process.platform !== "win32" || errorCode(error) !== "EPERM") throw error;
    await chmod(path, newFileMode);
    await unlink(path);
  }
}

/** Files asked for their size at once: enough to keep the four threads that Node has for disks busy. */
const statsAtOnce = 64;

/** The objects directly in a folder. */
export async function listFolder(folder: string): Promise<ListedObject[]> {
  const names = (await readdir(folder)).filter(isObjectHash);
  const listed: ListedObject[] = [];
  for (let next = 0; next < names.length; next += statsAtOnce) {
    const some = names.slice(next, next + statsAtOnce);
    const facts = await Promise.all(some.map((name) => statIfThere(join(folder, name))));
    for (const [index, found] of facts.entries()) {
      const name = some[index];
      if (name !== undefined && found?.isFile()) listed.push({ name, sizeBytes: found.size, storedAt: found.mtime });
    }
  }
  return listed;
}

export async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** A file may be deleted between its folder's listing and here: then it is in no list. Any other failure is one. */
export async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
