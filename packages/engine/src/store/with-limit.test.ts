import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Clock } from "../flow/clock.ts";
import { parseObjectId } from "../format/ids.ts";
import type { ObjectName } from "../format/object-name.ts";
import { autoClock } from "../platform/testing/auto-clock.ts";
import { objectStoreSuite } from "../platform/testing/object-store-suite.ts";
import { hashedName } from "./layout.ts";
import { memoryStore } from "./memory-store.ts";
import { type Paced, pacedPieces } from "./pace.ts";
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

test("a timer that wakes late costs no speed", async () => {
  const clock = steppedClock({ lateMs: 40 });
  const store = withLimit(piecewiseStore(), { clock, uploadBytesPerSecond: 1000 });
  await clock.run(() => store.put(pack, new Uint8Array(10_000)));
  expect(clock.seconds()).toBeGreaterThan(10 * 0.95);
  expect(clock.seconds()).toBeLessThan(10 * 1.05);
});

test("bytes flow evenly: in no quarter of a second do more pass than in half a second at the limit", async () => {
  const clock = steppedClock({ lateMs: 10 });
  const inner = piecewiseStore();
  const store = withLimit(inner, { clock, uploadBytesPerSecond: 100_000 });
  await clock.run(() => repeatedly(5, 5, () => store.put(pack, new Uint8Array(100_000))));
  const { moved } = inner;
  for (const { atMs } of moved) {
    const soon = moved.filter((piece) => piece.atMs >= atMs && piece.atMs < atMs + 250);
    expect(sumOf(soon)).toBeLessThanOrEqual(50_000);
  }
  expect(sumOf(moved)).toBe(500_000);
});

test("transfers under way change their speed within 5 % when a window begins and when it ends", async () => {
  const clock = steppedClock({ lateMs: 3 });
  const inner = piecewiseStore();
  const uploadBytesPerSecond = (atMs: number) => (atMs < 10_000 ? 10_000 : atMs < 30_000 ? 1000 : 20_000);
  const store = withLimit(inner, { clock, uploadBytesPerSecond });
  await clock.run(() => repeatedly(5, 5, () => store.put(pack, new Uint8Array(50_000))));
  expect(inner.bytesBetween(0, 10_000) / 100_000).toBeCloseTo(1, 1.3);
  expect(inner.bytesBetween(10_100, 30_000) / 19_900).toBeCloseTo(1, 1.3);
  // 100,000 and 20,000 of 250,000 have passed.
  expect((clock.seconds() - 30) / (130_000 / 20_000)).toBeCloseTo(1, 1.3);
});

test("while the speed is 0 nothing moves; what had begun begins anew afterwards and is stored once whole", async () => {
  const clock = steppedClock();
  const inner = piecewiseStore();
  const uploadBytesPerSecond = (atMs: number) => (atMs >= 5000 && atMs < 3_600_000 ? 0 : 1000);
  const store = withLimit(inner, { clock, uploadBytesPerSecond });
  await clock.run(() => repeatedly(3, 3, () => store.put(pack, new Uint8Array(4000))));
  expect(inner.bytesBetween(5000, 3_600_000)).toBe(0);
  // One or none was through by then.
  expect(clock.seconds()).toBeGreaterThan(3600 + 8);
  expect(clock.seconds()).toBeLessThan(3600 + 5 + 12);
  expect(await inner.size(pack)).toBe(4000);
});

test("a download waits for the end of a pause too", async () => {
  const clock = steppedClock();
  const inner = memoryStore();
  await inner.put(pack, new Uint8Array(1000));
  const store = withLimit(inner, { clock, downloadBytesPerSecond: (atMs) => (atMs < 60_000 ? 0 : 1000) });
  await clock.run(() => store.get(pack));
  expect(clock.seconds()).toBeCloseTo(61, 6);
});

test("a lock is written in a pause as ever: the work would end without it", async () => {
  const inner = memoryStore();
  const store = withLimit(inner, { clock: steppedClock(), uploadBytesPerSecond: () => 0 });
  const lock = hashedName("locks", parseObjectId("cd".repeat(32)));
  await store.put(lock, new Uint8Array(200));
  expect(await inner.size(lock)).toBe(200);
});

test("a clock that is set back or forward neither stalls transfers nor lets them burst", async () => {
  for (const jumpSeconds of [-3600, 3600]) {
    const clock = steppedClock();
    const inner = piecewiseStore();
    let awakeMs = 0;
    const set: Clock = {
      nowNs: () => clock.nowNs() + (awakeMs > 2000 ? BigInt(jumpSeconds) * 1_000_000_000n : 0n),
      sleep: async (ms, options) => {
        await clock.sleep(ms, options);
        awakeMs += ms;
      },
    };
    const store = withLimit(inner, { clock: set, uploadBytesPerSecond: 1000 });
    await clock.run(() => store.put(pack, new Uint8Array(10_000)));
    expect(Math.abs(clock.seconds() - 10)).toBeLessThan(0.5);
  }
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

/** A store that moves bytes in pieces at the pace, as those on the network do, and notes when. */
function piecewiseStore() {
  const inner = memoryStore();
  const moved: { readonly atMs: number; readonly bytes: number }[] = [];
  return {
    ...inner,
    moved,
    bytesBetween: (startMs: number, endMs: number) =>
      sumOf(moved.filter(({ atMs }) => atMs >= startMs && atMs < endMs)),
    put: async (name: ObjectName, bytes: Uint8Array, options: Paced = {}) => {
      for await (const piece of pacedPieces(bytes, 65_536, options))
        moved.push({ atMs: lastClock.seconds() * 1000, bytes: piece.length });
      await inner.put(name, bytes, options);
    },
  };
}

function sumOf(pieces: readonly { readonly bytes: number }[]): number {
  return pieces.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function repeatedly(times: number, atOnce: number, call: () => Promise<unknown>): Promise<void> {
  let left = times;
  const lane = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

interface SteppedClock extends Clock {
  seconds(): number;
  /** Lets the time pass from one waking to the next until the work is done. */
  run(work: () => Promise<unknown>): Promise<void>;
}

/** The one of the test that runs. */
let lastClock: SteppedClock;

/** A clock that many sleep on at once, and that starts at 0. Its sleepers wake late by up to `lateMs`. */
function steppedClock({ lateMs = 0 } = {}): SteppedClock {
  let nowNs = 0n;
  let sleepers: { readonly atNs: bigint; readonly wake: () => void }[] = [];
  let sleeps = 0;
  return (lastClock = {
    nowNs: () => nowNs,
    seconds: () => Number(nowNs) / 1e9,
    sleep: (ms, { signal } = {}) =>
      new Promise((wake, reject) => {
        sleepers.push({ atNs: nowNs + BigInt(Math.round((ms + latenessMs()) * 1e6)), wake });
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
  });

  function latenessMs(): number {
    return (lateMs * (sleeps++ % 5)) / 4;
  }
}
