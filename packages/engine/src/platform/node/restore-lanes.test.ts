import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generateMasterKey } from "../../crypto/master-key.ts";
import { blobOpener } from "../../operations/restore/blob-opener.ts";
import type { RestoreLane } from "../../target/restore-lane.ts";
import { TaskWriter } from "../../target/task-writer.ts";
import { memoryTarget } from "../testing/memory-target.ts";
import { type LaneUnderTest, restoreLaneSuite } from "../testing/restore-lane-suite.ts";
import { PosixTarget } from "./posix-target.ts";
import { nodePrimitives } from "./primitives.ts";

const primitives = nodePrimitives;
const masterKey = generateMasterKey(primitives);
const opener = blobOpener(primitives, masterKey);

restoreLaneSuite("in this thread, into memory", {
  primitives,
  masterKey,
  open: async () => {
    const target = memoryTarget();
    const lane = new TaskWriter(target, opener);
    return await Promise.resolve({
      target,
      lane,
      [Symbol.asyncDispose]: async () => await lane[Symbol.asyncDispose](),
    });
  },
});

restoreLaneSuite("in this thread, onto the disk", {
  primitives,
  masterKey,
  open: async () => await onDisk((target) => new TaskWriter(target, opener)),
});

restoreLaneSuite("in a thread of its own", {
  primitives,
  masterKey,
  open: async () =>
    await onDisk((target) => {
      const [lane] = target.openLanes(masterKey);
      expect(lane).toBeDefined();
      return lane as RestoreLane;
    }),
});

test("a lane that is done leaves no thread and no descriptor", async () => {
  const before = readdirSync("/dev/fd").length;
  const threads = threadCount();
  for (let round = 0; round < 3; round += 1) {
    const opened = await onDisk((target) => target.openLanes(masterKey)[0] as RestoreLane);
    await opened[Symbol.asyncDispose]();
  }
  expect(readdirSync("/dev/fd")).toHaveLength(before);
  expect(threadCount()).toBe(threads);
});

test("a thread that fails says so to all who wait, and does not hold the restore", async () => {
  await using opened = await onDisk((target) => target.openLanes(masterKey)[0] as RestoreLane);
  // No task at all: the thread can't make anything of it.
  const writing = opened.lane.write({ bytes: new Uint8Array(8) } as never);
  await expect(writing).rejects.toThrow();
});

async function onDisk(openLane: (target: PosixTarget) => RestoreLane): Promise<LaneUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "saveos-lane-"));
  const target = new PosixTarget(join(folder, "root"), { lanes: 1 });
  await target.makeDirectory([]);
  const lane = openLane(target);
  return {
    target,
    lane,
    [Symbol.asyncDispose]: async () => {
      await lane[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Of this process. Where the system does not tell, none. */
function threadCount(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/task").length : 0;
}
