import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { perThread } from "./native-context.ts";

test("a context is made once, when it is first asked for", () => {
  let made = 0;
  const context = perThread(
    () => ++made,
    () => expect.unreachable("the main thread frees nothing"),
  );
  expect(made).toBe(0);
  expect([context(), context()]).toEqual([1, 1]);
});

test("what a thread allocated is freed when it ends, and only what it allocated", async () => {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const code = `
    const { workerData: counts } = require("node:worker_threads");
    import(${JSON.stringify(new URL("native-context.ts", import.meta.url).href)}).then(({ perThread }) => {
      const used = perThread(() => Atomics.add(counts, 0, 1), () => Atomics.add(counts, 1, 1));
      perThread(() => Atomics.add(counts, 0, 10), () => Atomics.add(counts, 1, 10));
      used();
      used();
    });`;
  const worker = new Worker(code, { eval: true, workerData: counts });
  await new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject));
  expect([...counts]).toEqual([1, 1]);
});
