import { open, rename } from "node:fs/promises";

/** Writes a small file durably: whoever reads `path`, even after a crash, finds the old text or the new one, whole. */
export async function writeFileAtomically(path: string, text: string, mode: number): Promise<void> {
  const unfinished = `${path}.unfinished-${process.pid}`;
  const file = await open(unfinished, "w", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
}
