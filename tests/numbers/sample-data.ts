import { createCipheriv } from "node:crypto";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { prose } from "../support/sample-tree.ts";

const mebibyte = 1024 * 1024;

/** Bytes that don't compress, the same for the same seed, as fast as the disk takes them. */
export function* noiseStream(lengthBytes: number, seed: number): Generator<Buffer> {
  const iv = Buffer.alloc(16);
  iv.writeUInt32LE(seed);
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16), iv);
  const zeros = Buffer.alloc(4 * mebibyte);
  for (let left = lengthBytes; left > 0; left -= zeros.length)
    yield cipher.update(zeros.subarray(0, Math.min(left, zeros.length)));
}

export async function writeNoise(path: string, lengthBytes: number, seed: number): Promise<void> {
  await using file = await open(path, "w");
  for (const piece of noiseStream(lengthBytes, seed)) await file.write(piece);
}

/** Files of all sizes, some that compress and some that don't, as a person's folder has them. */
export async function fillMixed(folder: string, totalBytes: number): Promise<void> {
  const sizes = [700, 5_000, 40_000, 300_000, 3 * mebibyte, 20 * mebibyte, 90 * mebibyte];
  const text = prose(3 * mebibyte, 1);
  let written = 0;
  for (let i = 0; written < totalBytes; i++) {
    // Many small ones for each large one.
    const size = sizes[Math.min(sizes.length - 1, trailingZeros(i + 1))] ?? 700;
    const folderOfFile = join(folder, `folder-${i % 40}`, `${i % 7}`);
    await mkdir(folderOfFile, { recursive: true });
    if (i % 3 === 0 && size <= text.length) await writeFile(join(folderOfFile, `${i}.txt`), text.subarray(0, size));
    else await writeNoise(join(folderOfFile, `${i}.bin`), size, i);
    written += size;
  }
}

/** So many small files, all different, so many of them in each folder. */
export async function fillSmall(
  folder: string,
  { files, filesPerFolder }: { files: number; filesPerFolder: number },
): Promise<void> {
  for (let start = 0; start < files; start += filesPerFolder) {
    const folderOfFiles = join(folder, String(start / filesPerFolder));
    await mkdir(folderOfFiles, { recursive: true });
    const numbers = Array.from({ length: Math.min(filesPerFolder, files - start) }, (_, i) => start + i);
    for (let at = 0; at < numbers.length; at += 500)
      await Promise.all(
        numbers
          .slice(at, at + 500)
          .map((n) => writeFile(join(folderOfFiles, `file-${n}`), `small file number ${n}\n`.repeat(1 + (n % 90)))),
      );
  }
}

function trailingZeros(n: number): number {
  return 31 - Math.clz32(n & -n);
}
