import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { filesBelow } from "../files-below.ts";
import { changeOnePercent } from "./change-one-percent.ts";
import { bigFiles, type Corpus, sourceTree, tinyFiles, wideFolder } from "./corpus.ts";
import { isComplete, placeOf, prepareCorpus } from "./prepare.ts";
import { sourceText } from "./text.ts";

const signal = new AbortController().signal;
const mib = 1024 * 1024;
let temp: string;

beforeEach(async () => void (temp = await mkdtemp(join(tmpdir(), "saveos-bench-test-"))));
afterEach(async () => await rm(temp, { recursive: true }));

/** Of all names and bytes. */
async function hashOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of filesBelow(folder)) hash.update(`${name}\0`).update(await readFile(join(folder, name)));
  return hash.digest("hex");
}

async function make(corpus: Corpus, name: string): Promise<string> {
  const folder = join(temp, name);
  await corpus.make(folder, signal);
  return folder;
}

/*
 * Another hash means another corpus: figures can't be compared with older ones any more, and `corporaVersion` must be counted up.
 */
const golden: readonly (readonly [Corpus, sha256: string])[] = [
  [sourceTree(300), "409d1603afcf420e880794a10b35f011f96b2a78ef576a78ac0185e7d5050b24"],
  [bigFiles(4 * mib), "79f732d2661da50cfa6cf0da5f8f3a8eadc11aff07fd3b63f3b56d24a5209f89"],
  [tinyFiles(300), "8cf70e862bfdd4a8f9848cdda853e90ecd0c194b880ce4f40f52d42ee1baa5e3"],
  [wideFolder(300), "6b6220cdbddb2e855ca5c51cf765c07e2734f2dc17150c4fd29f07759835abc8"],
];

describe("corpora", () => {
  test.each(golden)("$name is the same to the byte, whenever and wherever it is made", async (corpus, sha256) => {
    expect(await hashOf(await make(corpus, "made"))).toBe(sha256);
  });

  test("source text compresses three to four times, as sources do", () => {
    const bytes = sourceText(1, mib);
    const times = bytes.length / zstdCompressSync(bytes).length;
    expect(times).toBeGreaterThan(3);
    expect(times).toBeLessThan(4.5);
  });

  test("half of the big files can't be compressed", async () => {
    const folder = await make(bigFiles(4 * mib), "big");
    const times = async (name: string) => {
      const bytes = await readFile(join(folder, name));
      return bytes.length / zstdCompressSync(bytes).length;
    };
    expect(await times("random-1")).toBeLessThan(1.001);
    expect(await times("text-1")).toBeGreaterThan(2.5);
  });

  test("a complete one is used again, one whose making was interrupted is made anew", async () => {
    const corpus = wideFolder(300);
    const interrupted = new AbortController();
    interrupted.abort();
    await expect(prepareCorpus(corpus, temp, interrupted.signal)).rejects.toThrow();
    expect(await isComplete(placeOf(corpus, temp))).toBe(false);

    const { path } = await prepareCorpus(corpus, temp, signal);
    const { ino } = await stat(path);
    await prepareCorpus(corpus, temp, signal);
    expect((await stat(path)).ino).toBe(ino);
  });
});

describe("1 % changed", () => {
  test.each([tinyFiles(300), bigFiles(8 * mib)])(
    "$name changes by one part in a hundred, differently in each round, and all is put back",
    async (corpus) => {
      const place = await prepareCorpus(corpus, temp, signal);
      const before = await contents(place.path);
      const hash = await hashOf(place.path);
      const hashes = new Set([hash]);
      for (const round of [1, 2]) {
        {
          await using _changed = await changeOnePercent(place, round, signal);
          expect(await isComplete(place)).toBe(false);
          hashes.add(await hashOf(place.path));
          const share = changedShare(before, await contents(place.path), corpus.changes);
          expect(share).toBeGreaterThan(0.009);
          expect(share).toBeLessThan(0.0101);
        }
        expect(await hashOf(place.path)).toBe(hash);
        expect(await isComplete(place)).toBe(true);
      }
      expect(hashes.size).toBe(3);
    },
  );
});

async function contents(folder: string): Promise<Map<string, Uint8Array>> {
  const all = new Map<string, Uint8Array>();
  for (const name of filesBelow(folder)) all.set(name, await readFile(join(folder, name)));
  return all;
}

/** Of files, or of bytes. */
function changedShare(before: Map<string, Uint8Array>, after: Map<string, Uint8Array>, of: Corpus["changes"]): number {
  let [changed, all] = [0, 0];
  for (const [name, bytes] of before) {
    const now = after.get(name) ?? new Uint8Array();
    if (of === "files") {
      all += 1;
      changed += Buffer.compare(bytes, now) === 0 ? 0 : 1;
    } else {
      all += bytes.length;
      for (let at = 0; at < bytes.length; at++) if (bytes[at] !== now[at]) changed += 1;
    }
  }
  return changed / all;
}
