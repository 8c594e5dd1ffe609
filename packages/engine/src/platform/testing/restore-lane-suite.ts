import { describe, expect, test } from "vitest";
import { sealBlob, blobIdOf } from "../../blob/seal-blob.ts";
import type { MasterKey } from "../../crypto/master-key.ts";
import type { Primitives } from "../../crypto/primitives.ts";
import type { FileTarget, TargetPath } from "../../target/file-target.ts";
import { fileFlags, type LaneTask, type RestoreLane } from "../../target/restore-lane.ts";
import { makeDirectories, readFile, writeFile } from "./file-target-suite.ts";

/** A lane, and a target that sees what the lane writes. */
export interface LaneUnderTest extends AsyncDisposable {
  readonly lane: RestoreLane;
  readonly target: FileTarget;
}

export interface LaneSuiteTools {
  readonly primitives: Primitives;
  /** What the lane opens blobs with. */
  readonly masterKey: MasterKey;
  readonly open: () => Promise<LaneUnderTest>;
}

const mtimeNs = 1_600_000_000_000_000_001n;
const whole = fileFlags.isWhole | fileFlags.isFinished;

/** The promises of `RestoreLane`, for any implementation. */
export function restoreLaneSuite(label: string, { primitives, masterKey, open }: LaneSuiteTools): void {
  describe(`the restore lane ${label}`, () => {
    test("makes whole files, from one part or several, and sets their metadata", async () => {
      await using opened = await openWith("d");
      const task = taskOf({
        "d/one": { flags: whole, parts: [[0, "all of it"]] },
        "d/several": {
          flags: whole,
          parts: [
            [0, "first "],
            [6, "second"],
          ],
        },
        plain: { flags: fileFlags.isWhole, parts: [[0, "without metadata"]] },
      });
      expect(await opened.lane.write(task)).toEqual({ damagedBlobs: [], failures: [], warnings: [] });
      expect(await texts(opened.target, ["d", "one"], ["d", "several"], ["plain"])).toEqual([
        "all of it",
        "first second",
        "without metadata",
      ]);
      for (const name of ["one", "several"]) expect(await opened.target.stat(["d", name])).toMatchObject({ mtimeNs });
      expect((await opened.target.stat(["plain"]))?.mtimeNs).not.toBe(mtimeNs);
    });

    test("writes parts into a file that is there, wherever they belong", async () => {
      await using opened = await openWith();
      await writeFile(opened.target, ["f"], "0123456789");
      await opened.lane.write(
        taskOf({
          f: {
            flags: 0,
            parts: [
              [7, "x"],
              [2, "yy"],
            ],
          },
        }),
      );
      expect(await texts(opened.target, ["f"])).toEqual(["01yy456x89"]);
    });

    test("opens a blob once for all files that want it", async () => {
      await using opened = await openWith();
      const task = taskOf({ a: { flags: whole, parts: [[0, "shared"]] }, b: { flags: whole, parts: [[0, "shared"]] } });
      expect(task.blobs.lengths).toHaveLength(1);
      await opened.lane.write(task);
      expect(await texts(opened.target, ["a"], ["b"])).toEqual(["shared", "shared"]);
    });

    test("says which blobs are damaged, and finishes no file that wants one", async () => {
      await using opened = await openWith();
      const task = taskOf({
        hurt: {
          flags: whole,
          parts: [
            [0, "lost"],
            [4, "kept"],
          ],
        },
        lost: { flags: whole, parts: [[0, "gone"]] },
        well: { flags: whole, parts: [[0, "well"]] },
      });
      for (const blob of [0, 2]) {
        const at = (task.blobs.starts[blob] ?? 0) + 20;
        task.bytes[at] = (task.bytes[at] ?? 0) ^ 1;
      }
      expect(await opened.lane.write(task)).toEqual({ damagedBlobs: [0, 2], failures: [], warnings: [] });
      expect(await texts(opened.target, ["hurt"], ["well"])).toEqual(["\0\0\0\0kept", "well"]);
      expect((await opened.target.stat(["hurt"]))?.mtimeNs).not.toBe(mtimeNs);
      // Nothing of it could be had.
      expect(await opened.target.stat(["lost"])).toBeUndefined();
    });

    test("gives up a file that can't be written, says so once, and writes the others", async () => {
      await using opened = await openWith();
      await writeFile(opened.target, ["there"], "kept");
      const { failures } = await opened.lane.write(
        taskOf({
          there: {
            flags: whole,
            parts: [
              [0, "no"],
              [2, "no!"],
            ],
          },
          absent: { flags: 0, parts: [[0, "a"]] },
          good: { flags: whole, parts: [[0, "good"]] },
        }),
      );
      expect(failures).toMatchObject([
        { file: 0, code: "target-unwritable", message: expect.stringContaining("/there") },
        { file: 1, code: "target-unwritable", message: expect.stringContaining("/absent") },
      ]);
      expect(await texts(opened.target, ["there"], ["good"])).toEqual(["kept", "good"]);
    });

    test("leaves out zeros where holes are wanted, and the file has its size", async () => {
      await using opened = await openWith();
      const zeros = "\0".repeat(10_000);
      const flags = whole | fileFlags.hasHoles;
      await opened.lane.write(taskOf({ f: { flags, parts: [[0, `x${zeros}`]] }, z: { flags, parts: [[0, zeros]] } }));
      expect(await texts(opened.target, ["f"], ["z"])).toEqual([`x${zeros}`, zeros]);
    });

    test("writes into more files by turns than can be open", async () => {
      await using opened = await openWith();
      const numbers = Array.from({ length: 200 }, (_, number) => number);
      const text = (number: number, part: number): string => `${part}${String(number).padStart(3, "0")}`;
      const rounds = [0, 1, 2];
      const files = Object.fromEntries(
        numbers.map((number) => [
          `f${number}`,
          { flags: whole, parts: rounds.map((part): Part => [4 * part, text(number, part)]) },
        ]),
      );
      expect(await opened.lane.write(byTurns(taskOf(files)))).toMatchObject({ failures: [], damagedBlobs: [] });
      for (const number of numbers) {
        const [found] = await texts(opened.target, [`f${number}`]);
        expect(found).toBe(rounds.map((part) => text(number, part)).join(""));
        expect(await opened.target.stat([`f${number}`])).toMatchObject({ mtimeNs });
      }
    });

    test("does tasks that are handed in at once one after another, each with its own answer", async () => {
      await using opened = await openWith();
      const tasks = Array.from({ length: 20 }, (_, number) =>
        taskOf({ [`f${number % 15}`]: { flags: whole, parts: [[0, `text ${number}`]] } }),
      );
      const answers = await Promise.all(tasks.map(async (task) => await opened.lane.write(task)));
      expect(answers.map(({ failures }) => failures.length)).toEqual([
        ...Array.from({ length: 15 }, () => 0),
        ...Array.from({ length: 5 }, () => 1),
      ]);
      expect(await texts(opened.target, ["f0"], ["f14"])).toEqual(["text 0", "text 14"]);
    });

    async function openWith(...directories: string[]): Promise<LaneUnderTest> {
      const opened = await open();
      await makeDirectories(opened.target, ...directories.map((name) => [name]));
      return opened;
    }

    function taskOf(files: Readonly<Record<string, FileSketch>>): LaneTask {
      return sealTask(primitives, masterKey, files);
    }
  });
}

type Part = readonly [offset: number, text: string];

interface FileSketch {
  readonly flags: number;
  readonly parts: readonly Part[];
}

/** A task for files by their paths. */
function sealTask(primitives: Primitives, key: MasterKey, files: Readonly<Record<string, FileSketch>>): LaneTask {
  const paths = Object.keys(files).map((path) => path.split("/"));
  const sketches = Object.values(files);
  const texts = [...new Set(sketches.flatMap(({ parts }) => parts.map(([, text]) => text)))];
  const blobs = texts.map((text) => {
    const plain = new TextEncoder().encode(text);
    return { ...sealBlob(primitives, key, plain, "auto"), id: blobIdOf(primitives, plain) };
  });
  const uses = sketches.flatMap(({ parts }, file) =>
    parts.map(([offset, text]) => ({ file, offset, blob: texts.indexOf(text) })),
  );
  uses.sort((a, b) => a.blob - b.blob);
  const count = sketches.length;
  const bytes = new Uint8Array(blobs.reduce((sum, { sealed }) => sum + sealed.length, 0));
  const starts = new Uint32Array(blobs.length);
  const ids = new Uint8Array(32 * blobs.length);
  let at = 0;
  for (const [number, { sealed, id }] of blobs.entries()) {
    starts[number] = at;
    bytes.set(sealed, at);
    ids.set(Uint8Array.fromHex(id), 32 * number);
    at += sealed.length;
  }
  return {
    bytes,
    blobs: {
      starts,
      lengths: Uint32Array.from(blobs, ({ sealed }) => sealed.length),
      uncompressedLengths: Uint32Array.from(blobs, ({ uncompressedLength }) => uncompressedLength),
      ids,
    },
    parts: {
      blobs: Uint32Array.from(uses, ({ blob }) => blob),
      files: Uint32Array.from(uses, ({ file }) => file),
      offsets: Float64Array.from(uses, ({ offset }) => offset),
    },
    files: {
      directories: paths.map((path) => path.slice(0, -1)),
      directoryOf: Uint32Array.from({ length: count }, (_, file) => file),
      names: paths.map((path) => path.at(-1) ?? ""),
      sizes: Float64Array.from(sketches, ({ parts }) =>
        Math.max(...parts.map(([offset, text]) => offset + text.length)),
      ),
      flags: Uint8Array.from(sketches, ({ flags }) => flags),
      modes: new Uint32Array(count).fill(0o644),
      uids: new Uint32Array(count).fill(globalThis.process?.geteuid?.() ?? 0),
      gids: new Uint32Array(count).fill(globalThis.process?.getegid?.() ?? 0),
      atimesNs: new BigInt64Array(count).fill(mtimeNs),
      mtimesNs: new BigInt64Array(count).fill(mtimeNs),
    },
  };
}

/** The same task with the parts of its files by turns: all first ones, then all second ones. */
function byTurns(task: LaneTask): LaneTask {
  const { blobs, files, offsets } = task.parts;
  const order = [...blobs.keys()].sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0) || a - b);
  const columns = { blobs: blobs.slice(), files: files.slice(), offsets: offsets.slice() };
  for (const [to, from] of order.entries()) {
    columns.blobs[to] = blobs[from] ?? 0;
    columns.files[to] = files[from] ?? 0;
    columns.offsets[to] = offsets[from] ?? 0;
  }
  return { ...task, parts: columns };
}

async function texts(target: FileTarget, ...paths: TargetPath[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) found.push(await readFile(target, path));
  return found;
}
