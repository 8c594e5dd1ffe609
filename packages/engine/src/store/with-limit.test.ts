import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Clock } from "../flow/clock.ts";
import { parseObjectId } from "../format/ids.ts";
import { autoClock } from "../platform/testing/auto-clock.ts";
import { objectStoreSuite } from "../platform/testing/object-store-suite.ts";
import { hashedName } from "./layout.ts";
import { memoryStore } from "./memory-store.ts";
import { withLimit } from "./with-limit.ts";

objectStoreSuite("a store with limits", async () => ({
  store: withLimit(memoryStore(), { clock: autoClock(), uploadBytesPerSecond: 1e6, downloadBytesPerSecond: 1e6 }),
  [Symbol.asyncDispose]: async () => undefined,
}));

objectStoreSuite("a store with no limits set", async () => ({
  store: withLimit(memoryStore(), { clock: autoClock() }),
  [Symbol.asyncDispose]: async () => undefined,
}));

const pack = hashedName("data", parseObjectId("ab".repeat(32)));

test.each([1, 5])("uploads, %i at a time, take the time that their bytes may take, within 5 %%", async (atOnce) => {
  const clock = steppedClock();
  const store = withLimit(memoryStore(), { clock, uploadBytesPerSecond: 1000 });
  await clock.run(() => repeatedly(20, atOnce, () => store.put(pack, new Uint8Array(333))));
  expect(clock.seconds()).toBeCloseTo((20 * 333) / 1000, 6);
});

test.each([1, 5])("downloads, %i at a time, take the time that their bytes may take, within 5 %%", async (atOnce) => {
  const clock = steppedClock();
  const inner = memoryStore();
  await inner.put(pack, new Uint8Array(5000));
  const store = withLimit(inner, { clock, downloadBytesPerSecond: 1000 });
  await clock.run(() => repeatedly(20, atOnce, () => store.get(pack, { range: { start: 0, end: 250 } })));
  expect(clock.seconds()).toBeCloseTo((20 * 250) / 1000, 6);
});

test("uploads and downloads don't take each other's share", async () => {
  const clock = steppedClock();
  const store = withLimit(memoryStore(), { clock, uploadBytesPerSecond: 1000, downloadBytesPerSecond: 500 });
  await clock.run(() => store.put(pack, new Uint8Array(1000)));
  await clock.run(() => Promise.all([store.put(pack, new Uint8Array(1000)), store.get(pack)]));
  expect(clock.seconds()).toBeCloseTo(1 + 2, 6);
});

test("idle time is not saved up for a burst", async () => {
  const clock = steppedClock();
  const store = withLimit(memoryStore(), { clock, uploadBytesPerSecond: 1000 });
  await clock.run(() => clock.sleep(3_600_000));
  await clock.run(() => store.put(pack, new Uint8Array(2000)));
  expect(clock.seconds()).toBeCloseTo(3600 + 2, 6);
});

test("an abort while waiting for its turn stores nothing", async () => {
  const controller = new AbortController();
  const inner = memoryStore();
  const store = withLimit(inner, { clock: steppedClock(), uploadBytesPerSecond: 1 });
  const upload = store.put(pack, new Uint8Array(100), { signal: controller.signal });
  controller.abort("enough");
  await expect(upload).rejects.toBe("enough");
  await expect(inner.get(pack)).rejects.toMatchObject({ code: "not-found" });
});

test.each([0, -1, Number.NaN, Infinity])("a limit of %d is invalid-input", (uploadBytesPerSecond) => {
  expect(() => withLimit(memoryStore(), { clock: autoClock(), uploadBytesPerSecond })).toThrow("must be more than 0");
});

async function repeatedly(times: number, atOnce: number, call: () => Promise<unknown>): Promise<void> {
  let left = times;
  const lane = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** A clock that many sleep on at once; `run` lets the time pass from one waking to the next until the work is done. */
function steppedClock(): Clock & { seconds(): number; run(work: () => Promise<unknown>): Promise<void> } {
  let nowNs = 0n;
  let sleepers: { readonly atNs: bigint; readonly wake: () => void }[] = [];
  return {
    nowNs: () => nowNs,
    seconds: () => Number(nowNs) / 1e9,
    sleep: (ms, { signal } = {}) =>
      new Promise((wake, reject) => {
        sleepers.push({ atNs: nowNs + BigInt(Math.round(ms * 1e6)), wake });
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
    async run(work) {
      let isDone = false;
      const finished = work().finally(() => (isDone = true));
      for (;;) {
        await setImmediate();
        if (isDone) return void (await finished);
        const next = sleepers.toSorted((left, right) => Number(left.atNs - right.atNs))[0];
        if (next === undefined) continue;
        sleepers = sleepers.filter((sleeper) => sleeper !== next);
        nowNs = next.atNs;
        next.wake();
      }
    },
  };
}
