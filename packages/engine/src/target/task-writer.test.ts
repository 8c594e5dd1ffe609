import { expect, test } from "vitest";
import { parseBlobId } from "../format/ids.ts";
import { memoryTarget, type MemoryTarget } from "../platform/testing/memory-target.ts";
import type { TargetFile } from "./file-target.ts";
import { fileFlags, type LaneTask } from "./restore-lane.ts";
import { TaskWriter } from "./task-writer.ts";

/* What a lane does is in `platform/testing/restore-lane-suite.ts`; here is how it does it. */

test("no more files stay open than a process may have, and all are closed in the end", async () => {
  const target = memoryTarget();
  await target.makeDirectory([]);
  const open = countOpen(target);
  const lane = new TaskWriter(target, (sealed) => sealed);
  await lane.write(filesByTurns(300, 3));
  expect(open.most).toBeLessThanOrEqual(65);
  expect(open.now).toBe(0);
  expect(target.contents()["/f7"]).toBe("aba");
});

test("a bug ends the task and is no damage, and nothing stays open", async () => {
  const target = memoryTarget();
  await target.makeDirectory([]);
  const open = countOpen(target);
  let calls = 0;
  const lane = new TaskWriter(target, (sealed) => {
    calls += 1;
    if (calls === 2) throw new TypeError("a bug");
    return sealed;
  });
  await expect(lane.write(filesByTurns(10, 2))).rejects.toThrow("a bug");
  expect(open.now).toBe(0);
  // The lane goes on.
  expect(await lane.write(filesByTurns(1, 0))).toMatchObject({ failures: [] });
});

/** Files whose parts come by turns, from two blobs: "a" and "b". */
function filesByTurns(fileCount: number, rounds: number): LaneTask {
  const parts = Array.from({ length: rounds * fileCount }, (_, part) => part);
  return {
    bytes: new TextEncoder().encode("ab"),
    blobs: {
      starts: Uint32Array.of(0, 1),
      lengths: Uint32Array.of(1, 1),
      uncompressedLengths: new Uint32Array(2),
      ids: Uint8Array.fromHex(parseBlobId("ab".repeat(32)).repeat(2)),
    },
    parts: {
      blobs: Uint32Array.from(parts, (part) => Math.floor(part / fileCount) % 2),
      files: Uint32Array.from(parts, (part) => part % fileCount),
      offsets: Float64Array.from(parts, (part) => Math.floor(part / fileCount)),
    },
    files: {
      directories: [[]],
      directoryOf: new Uint32Array(fileCount),
      names: Array.from({ length: fileCount }, (_, file) => `f${file}`),
      sizes: new Float64Array(fileCount).fill(rounds),
      flags: new Uint8Array(fileCount).fill(fileFlags.isWhole),
      modes: new Uint32Array(fileCount),
      uids: new Uint32Array(fileCount),
      gids: new Uint32Array(fileCount),
      atimesNs: new BigInt64Array(fileCount),
      mtimesNs: new BigInt64Array(fileCount),
    },
  };
}

function countOpen(target: MemoryTarget): { now: number; most: number } {
  const open = { now: 0, most: 0 };
  const counted = (file: TargetFile): TargetFile => {
    open.now += 1;
    open.most = Math.max(open.most, open.now);
    return {
      ...file,
      [Symbol.asyncDispose]: async () => {
        open.now -= 1;
        await file[Symbol.asyncDispose]();
      },
    };
  };
  const createFile = target.createFile.bind(target);
  const openFile = target.openFile.bind(target);
  target.createFile = async (path) => counted(await createFile(path));
  target.openFile = async (path, access) => counted(await openFile(path, access));
  return open;
}
