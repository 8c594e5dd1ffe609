import { expect, test } from "vitest";
import { type BlobId, type ObjectId, parseBlobId, parseObjectId } from "../format/ids.ts";
import { type ContentTask, contentTasks, runMaxBytes, TaskQueue } from "./content-tasks.ts";
import { RestorePlan } from "./restore-plan.ts";

const mebibyte = 1024 * 1024;

test("neighbours in a pack are read together, packs one after another in the order of first use", () => {
  const plan = planOf([2, 0, 100], [1, 0, 50], [2, 100, 100], [1, 50, 50]);
  expect(describe(plan)).toEqual([
    { pack: 2, start: 0, end: 200, parts: [0, 2] },
    { pack: 1, start: 0, end: 100, parts: [1, 3] },
  ]);
});

test("parts come in the order of their blobs, whatever the order of the files", () => {
  expect(describe(planOf([0, 200, 10], [0, 0, 10], [0, 100, 10]))).toEqual([
    { pack: 0, start: 0, end: 210, parts: [1, 2, 0] },
  ]);
});

test("a small gap is read over, a large one is not", () => {
  expect(describe(planOf([0, 0, 10], [0, 10 + mebibyte, 10]))).toHaveLength(1);
  expect(describe(planOf([0, 0, 10], [0, 11 + mebibyte, 10]))).toHaveLength(2);
});

test("no run is longer than it may be, unless a single blob is", () => {
  const plan = planOf(...Array.from({ length: 40 }, (_, number) => [0, number * mebibyte, mebibyte] as const));
  for (const { start, end } of contentTasks(plan)) expect(end - start).toBeLessThanOrEqual(runMaxBytes);
  expect(describe(planOf([0, 0, 10], [0, 10, 3 * runMaxBytes], [0, 10 + 3 * runMaxBytes, 10]))).toEqual([
    { pack: 0, start: 0, end: 10, parts: [0] },
    { pack: 0, start: 10, end: 10 + 3 * runMaxBytes, parts: [1] },
    { pack: 0, start: 10 + 3 * runMaxBytes, end: 20 + 3 * runMaxBytes, parts: [2] },
  ]);
});

test("a blob that several files want is read once", () => {
  const large = 3 * runMaxBytes;
  expect(describe(planOf([0, 0, large], [0, 0, large], [0, 0, large]))).toEqual([
    { pack: 0, start: 0, end: large, parts: [0, 1, 2] },
  ]);
});

test("parts that are in place are not read", () => {
  const plan = planOf([0, 0, 10], [0, 10, 10]);
  plan.markPresent(0);
  expect(describe(plan)).toEqual([{ pack: 0, start: 10, end: 20, parts: [1] }]);
});

test("lanes begin in stretches of their own, and every task is handed out once", () => {
  const tasks = Array.from({ length: 10 }, (_, number): ContentTask => ({ ...nothing, start: number }));
  const queue = new TaskQueue(tasks, 2);
  const [first, second] = [queue.tasksOf(0), queue.tasksOf(1)];
  expect([first.next().value?.start, second.next().value?.start]).toEqual([0, 5]);
  // The second is slow: the first helps it from the end.
  expect([...first].map(({ start }) => start)).toEqual([1, 2, 3, 4, 9, 8, 7, 6]);
  expect([...second]).toEqual([]);
});

test("a closed queue hands out nothing more", () => {
  const queue = new TaskQueue([nothing, nothing, nothing], 1);
  const tasks = queue.tasksOf(0);
  tasks.next();
  queue.close();
  expect(tasks.next().done).toBe(true);
});

const nothing: ContentTask = { pack: packOf(0), start: 0, end: 0, parts: new Uint32Array() };

/** A plan of one file whose parts are these blobs. */
function planOf(...blobs: (readonly [pack: number, offset: number, length: number])[]): RestorePlan {
  const plan = new RestorePlan();
  plan.addDirectory(0, "", undefined, 1, undefined);
  plan.addFile(0, 0, "f", { state: "new", metadata: undefined });
  for (const [pack, offset, length] of blobs)
    plan.addPart(idOf(pack, offset), {
      pack: packOf(pack),
      offset,
      length,
      uncompressedLength: 0,
      plainBytes: length,
    });
  return plan;
}

function describe(plan: RestorePlan): object[] {
  return contentTasks(plan).map((task) => ({ ...task, pack: Number(task.pack), parts: [...task.parts] }));
}

function packOf(number: number): ObjectId {
  return parseObjectId(String(number).padStart(64, "0"));
}

function idOf(pack: number, offset: number): BlobId {
  return parseBlobId(`${pack}a${offset}`.padStart(64, "0"));
}
