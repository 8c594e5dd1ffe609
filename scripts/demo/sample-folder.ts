import { createHash } from "node:crypto";
import { chmod, link, mkdir, open, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What a home folder is like, in small: many little files, some large ones, and what backups get wrong: odd names, links, holes. */
export async function makeSampleFolder(root: string): Promise<void> {
  const file = async (name: string, content: string | Uint8Array) => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  };
  for (let i = 0; i < smallFiles; i++) await file(`letters/${i % 40}/letter-${i}.txt`, letter(i));
  for (let i = 0; i < photos; i++) await file(`photos/photo-${i}.jpg`, noise(photoBytes, i));
  await file("archive/ledger.csv", ledger(ledgerLines));
  await file("Übersicht – 日本 😀.md", "# Names may be anything\n");
  await file("empty", "");
  await mkdir(join(root, "empty folder"));
  await file("private/key.txt", "only its owner reads this\n");
  await chmod(join(root, "private/key.txt"), 0o600);
  await symlink("../letters", join(root, "private/letters"));
  await link(join(root, "archive/ledger.csv"), join(root, "ledger again.csv"));

  await file("disk image.raw", "begins");
  await truncate(join(root, "disk image.raw"), imageBytes);
  const image = await open(join(root, "disk image.raw"), "r+");
  await image.write("ends", imageBytes - 4);
  await image.close();
  await utimes(join(root, "empty"), 1_000_000_000.123_456, 1_000_000_000.123_456);
}

const smallFiles = 2000;
const photos = 20;
const photoBytes = 3_000_000;
const ledgerLines = 400_000;
const imageBytes = 64_000_000;

function letter(i: number): string {
  return `Dear reader number ${i},\n\n${"this is a letter like many others. ".repeat((i * 7) % 60)}\n`;
}

/** Bytes that don't compress, the same for the same seed. */
function noise(length: number, seed: number): Uint8Array {
  return createHash("shake256", { outputLength: length }).update(`photo ${seed}`).digest();
}

function ledger(lines: number): string {
  return Array.from({ length: lines }, (_, i) => `${i};${(i * 7919) % 10_007};paid`).join("\n");
}
