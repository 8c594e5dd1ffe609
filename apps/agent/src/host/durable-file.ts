import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";

/** Readable and writable by the owner only. */
export const ownerOnlyMode = 0o600;

/**
 * Replaces a file whole and durably: a reader, or a machine that loses power, sees the old content or the new and never half.
 * Folders on the way are made, for the owner only. `beforeContent` runs on the new, still empty file, to narrow who may read it.
 */
export async function replaceFile(
  file: string,
  content: string,
  { mode = ownerOnlyMode, beforeContent }: { mode?: number; beforeContent?: (file: string) => Promise<void> } = {},
): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await using handle = await open(temporary, "wx", mode);
    await beforeContent?.(temporary);
    await handle.writeFile(content);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(path.dirname(file));
}

/** Makes a renamed file's name as durable as its content. Windows can't open folders, and does without. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await using handle = await open(folder, "r");
  await handle.sync();
}
