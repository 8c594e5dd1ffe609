import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { breathe } from "../breathe.ts";
import { incompressible, seeded, type Seeded } from "./seeded.ts";
import { sourceText } from "./text.ts";

const kib = 1024;
const mib = 1024 * kib;

/** Text is cut out of a pool this large, anywhere: files don't repeat each other in whole chunks. */
const poolMaxBytes = 24 * mib;
/** Larger than the largest file of a source tree, so that any can be cut out; small corpora are made in no time. */
const poolMinBytes = 6 * mib;

/** Files written between two looks at the signal. */
const filesABreath = 500;

/**
 * A tree like that of many projects' sources: `files` files in folders up to eight deep, half of them below 4 KiB and few above 100 KiB, some
 * 10 KiB on average. One in twelve is a copy of another, one in fifty can't be compressed.
 */
export async function makeSourceTree(folder: string, files: number, signal: AbortSignal): Promise<void> {
  const random = seeded(1);
  const pool = sourceText(2, poolBytesFor(files * 10 * kib));
  const noise = Buffer.concat([...incompressible("source tree", pool.length, mib)]);
  const folders = makeFolders(folder, random, Math.ceil(files / 14));
  let last: Uint8Array = pool.subarray(0, 100);
  for (let number = 0; number < files; number++) {
    if (number % filesABreath === 0) await breathe(signal);
    const isCopy = random.number() < 1 / 12;
    const from = random.number() < 1 / 50 ? noise : pool;
    if (!isCopy) last = slice(random, from, sourceSize(random));
    const place = folders[random.integer(folders.length)] ?? folder;
    writeFileSync(join(place, `${fileName(random)}-${number}.${["ts", "c", "go", "md", "json"][number % 5]}`), last);
  }
}

/** Four files of equal size: two that can't be compressed, two of text. */
export async function makeBigFiles(folder: string, totalBytes: number, signal: AbortSignal): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of ["random-1", "random-2"])
    await writePieces(join(folder, name), incompressible(name, totalBytes / 4, mib), signal);
  for (const [number, name] of ["text-1", "text-2"].entries())
    await writePieces(join(folder, name), textPieces(10 + number, totalBytes / 4), signal);
}

/** `files` files of 2 KiB, 200 to a folder. */
export async function makeTinyFiles(folder: string, files: number, signal: AbortSignal): Promise<void> {
  const random = seeded(3);
  const pool = sourceText(4, poolBytesFor(files * 2 * kib));
  for (let number = 0; number < files; number++) {
    const place = join(folder, String(Math.floor(number / 200)));
    if (number % 200 === 0) mkdirSync(place, { recursive: true });
    if (number % filesABreath === 0) await breathe(signal);
    writeFileSync(join(place, `note-${number}.txt`), slice(random, pool, 2 * kib));
  }
}

/** `files` small files in one folder, each different from all others. */
export async function makeWideFolder(folder: string, files: number, signal: AbortSignal): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let number = 0; number < files; number++) {
    if (number % filesABreath === 0) await breathe(signal);
    writeFileSync(join(folder, `measurement-${number}.csv`), `number;value\n${number};${number * 37}\n`);
  }
}

function poolBytesFor(corpusBytes: number): number {
  return Math.min(Math.max(corpusBytes, poolMinBytes), poolMaxBytes);
}

function makeFolders(root: string, random: Seeded, count: number): string[] {
  const folders: string[] = [];
  const depths: number[] = [];
  const add = (path: string, depth: number) => {
    mkdirSync(path, { recursive: true });
    folders.push(path);
    depths.push(depth);
  };
  add(root, 0);
  while (folders.length < count) {
    const parent = random.integer(folders.length);
    const depth = depths[parent] ?? 0;
    if (depth < 8) add(join(folders[parent] ?? root, `${fileName(random)}${folders.length}`), depth + 1);
  }
  return folders;
}

/** Log-normal, as sizes of files are: median 3.4 KiB, mean about 10 KiB. */
function sourceSize(random: Seeded): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.number())) * Math.cos(2 * Math.PI * random.number());
  return Math.min(Math.round(Math.exp(8.15 + 1.47 * normal)), 4 * mib);
}

function slice(random: Seeded, pool: Uint8Array, lengthBytes: number): Uint8Array {
  const start = random.integer(pool.length - lengthBytes);
  return pool.subarray(start, start + lengthBytes);
}

const nameParts = [
  "index",
  "main",
  "parse",
  "store",
  "client",
  "server",
  "types",
  "test",
  "util",
  "format",
  "reader",
  "queue",
];

function fileName(random: Seeded): string {
  return `${nameParts[random.integer(nameParts.length)]}-${nameParts[random.integer(nameParts.length)]}`;
}

/** Lines of one pool in a new order again and again, so that no chunk comes twice. */
function* textPieces(seed: number, lengthBytes: number): Generator<Uint8Array> {
  const random = seeded(seed);
  const pool = sourceText(seed + 100, poolBytesFor(lengthBytes));
  const pieceBytes = 16 * kib;
  for (let left = lengthBytes; left > 0; left -= pieceBytes) yield slice(random, pool, Math.min(left, pieceBytes));
}

async function writePieces(path: string, pieces: Iterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const file = openSync(path, "wx");
  try {
    let written = 0;
    for (const piece of pieces) {
      written += writeSync(file, piece);
      if (written % (16 * mib) === 0) await breathe(signal);
    }
  } finally {
    closeSync(file);
  }
}
