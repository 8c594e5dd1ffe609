import { randomBytes } from "node:crypto";
import { fchmod, fstat, fsync, read } from "node:fs";
import { type FileHandle, constants, link, open, rename, stat, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { invariant } from "../../errors/invariant.ts";
import type { UnnamedFile } from "../../flow/unnamed-file.ts";
import { type Paced, pacedPieces } from "../../store/pace.ts";
import { errnoOf } from "./file-errors.ts";
import { nameFile } from "./unnamed-file.ts";

export interface DurableWrite extends Paced {
  /** POSIX permission bits while it is written, and when it is done. Windows has no such bits. */
  readonly modeWhileWritten: number;
  readonly modeWhenDone: number;
  /** Rejects with `EEXIST` if the file is there, instead of replacing it. */
  readonly exclusive: boolean;
}

/**
 * Writes a file so that after it resolves a power cut can't undo it, and that nobody ever sees a part of it: a temporary file beside it,
 * fsync, rename, fsync of the folder. On failure nothing is left. Rejects with the system's errors.
 */
export async function writeDurably(path: string, bytes: Uint8Array, write: DurableWrite): Promise<void> {
  write.signal?.throwIfAborted();
  const temporary = temporaryBeside(path);
  const file = await open(temporary, "wx", write.modeWhileWritten);
  await orUnlink(temporary, async () => {
    await fill(file, bytes, write);
    write.signal?.throwIfAborted();
    if (write.exclusive) await moveExclusively(temporary, path);
    else await rename(temporary, path);
  });
  await syncFolder(dirname(path));
}

/**
 * `writeDurably` of what is in an unnamed file, by giving it a name, or where that can't be done by copying it. `name` is for tests. It is synced only when it
 * has a name: of one without, some file systems keep nothing.
 */
export async function nameDurably(
  path: string,
  file: UnnamedFile,
  write: Omit<DurableWrite, "exclusive">,
  name: (descriptor: number, path: string) => void = nameFile,
): Promise<void> {
  const { descriptor, sizeBytes } = file;
  const { size } = await statOpen(descriptor);
  invariant(size === sizeBytes, "a file that was written whole has the length of its bytes");
  write.signal?.throwIfAborted();
  const temporary = temporaryBeside(path);
  try {
    name(descriptor, temporary);
  } catch (error) {
    if (!hasNoHardLinks(error)) throw error;
    await writeDurably(path, await bytesOf(file), { ...write, exclusive: false });
    return;
  }
  await orUnlink(temporary, async () => {
    await unlessUnsupported(chmodOpen(descriptor, write.modeWhenDone), "EPERM", "EACCES");
    await unlessUnsupported(syncOpen(descriptor));
    write.signal?.throwIfAborted();
    await rename(temporary, path);
  });
  await syncFolder(dirname(path));
}

async function bytesOf({ descriptor, sizeBytes }: UnnamedFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  for (let done = 0; done < sizeBytes;) {
    const { bytesRead } = await readOpen(descriptor, bytes, done, sizeBytes - done, done);
    invariant(bytesRead > 0, "nobody shortens a file that has no name");
    done += bytesRead;
  }
  return bytes;
}

const statOpen = promisify(fstat);
const chmodOpen = promisify(fchmod);
const syncOpen = promisify(fsync);
const readOpen = promisify(read);

/** Replaces a file so that nobody sees a part of it; a power cut may lose it. For what can be had again. */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const temporary = temporaryBeside(path);
  await orUnlink(temporary, async () => {
    await writeFile(temporary, bytes, { flag: "wx", mode });
    await rename(temporary, path);
  });
}

/** Does what makes a temporary file a lasting one; if that fails, the file goes. */
async function orUnlink(temporary: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** restic names its own temporary files so; both programs ignore them in listings. */
function temporaryBeside(path: string): string {
  return `${path}-tmp-${randomBytes(8).toString("hex")}`;
}

async function fill(file: FileHandle, bytes: Uint8Array, write: DurableWrite): Promise<void> {
  const { modeWhenDone, pace } = write;
  try {
    // Each call goes on where the last one ended.
    if (pace === undefined) await file.writeFile(bytes);
    else for await (const piece of pacedPieces(bytes, bytes.length, write)) await file.writeFile(piece);
    const { size } = await file.stat();
    invariant(size === bytes.length, "a file that was written whole has the length of its bytes");
    if (process.platform !== "win32") await unlessUnsupported(file.chmod(modeWhenDone), "EPERM", "EACCES");
    await unlessUnsupported(file.sync());
  } finally {
    await file.close();
  }
}

async function moveExclusively(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasNoHardLinks(error)) throw error;
    await moveIfMissing(from, to);
    return;
  }
  await unlink(from);
}

/** FAT and some network file systems; or the name is on another file system. */
function hasNoHardLinks(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EMLINK", "EXDEV"].includes(errnoOf(error) ?? "");
}

/** Two at the same moment could both succeed; that is the best such file systems offer without leaving half a file after a crash. */
async function moveIfMissing(from: string, to: string): Promise<void> {
  const present = await stat(to).catch(() => undefined);
  if (present !== undefined) throw new FileExistsError(`${to} is there`);
  await rename(from, to);
}

/** Looks like the system's own. */
class FileExistsError extends Error {
  override readonly name = "FileExistsError";
  readonly code = "EEXIST";
}

/** Makes new names and removals in a folder survive a power cut. Windows can't and needn't. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, constants.O_RDONLY);
  try {
    await unlessUnsupported(folder.sync(), "EINVAL");
  } finally {
    await folder.close();
  }
}

/** Some network file systems can't sync or change modes; what they store is then as durable as they make it. */
async function unlessUnsupported(call: Promise<void>, ...alsoIgnored: string[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!["ENOTSUP", "EOPNOTSUPP", "ENOSYS", ...alsoIgnored].includes(errnoOf(error) ?? "")) throw error;
  }
}
