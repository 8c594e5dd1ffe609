import { randomBytes } from "node:crypto";
import { fchmod, fstat, fsync } from "node:fs";
import { type FileHandle, constants, link, open, rename, stat, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { invariant } from "../../errors/invariant.ts";
import type { Abortable } from "../../flow/abortable.ts";
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
  try {
    await fill(file, bytes, write);
    write.signal?.throwIfAborted();
    if (write.exclusive) await moveExclusively(temporary, path);
    else await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Gives an unnamed file its name, so that after it resolves a power cut can't undo it. What had the name before is replaced. Rejects with the system's errors. */
export async function nameDurably(
  path: string,
  { descriptor, sizeBytes }: UnnamedFile,
  { modeWhenDone, signal }: Abortable & Pick<DurableWrite, "modeWhenDone">,
): Promise<void> {
  const { size } = await statOpen(descriptor);
  invariant(size === sizeBytes, "a file that was written whole has the length of its bytes");
  await unlessUnsupported(chmodOpen(descriptor, modeWhenDone), "EPERM", "EACCES");
  await unlessUnsupported(syncOpen(descriptor));
  signal?.throwIfAborted();
  const temporary = temporaryBeside(path);
  nameFile(descriptor, temporary);
  try {
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

const statOpen = promisify(fstat);
const chmodOpen = promisify(fchmod);
const syncOpen = promisify(fsync);

/** Replaces a file so that nobody sees a part of it; a power cut may lose it. For what can be had again. */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await writeFile(temporary, bytes, { flag: "wx", mode });
    await rename(temporary, path);
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

/** FAT and some network file systems. */
function hasNoHardLinks(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EMLINK"].includes(errnoOf(error) ?? "");
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
