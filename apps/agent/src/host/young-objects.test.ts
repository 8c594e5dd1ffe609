import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { moreYoungObjects, type YoungGeneration } from "./young-objects.ts";

const mib = 1024 * 1024;

describe("new objects", () => {
  let sizeBytes: number;
  let growth: number;
  const young: YoungGeneration = { sizeBytes: () => sizeBytes, setGrowth: (factor) => void (growth = factor) };
  beforeEach(() => {
    vi.useFakeTimers();
    [sizeBytes, growth] = [1 * mib, 1];
  });
  afterEach(() => void vi.useRealTimers());

  test("get more room when work has been going on for a while, until they have it", () => {
    using _work = moreYoungObjects(1500, young);
    vi.advanceTimersByTime(1499);
    expect(growth).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(growth).toBe(8);
    sizeBytes = 8 * mib;
    vi.advanceTimersByTime(10);
    expect(growth).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([0, 2000])("get no more after the work is done, here after %i ms", (ms) => {
    {
      using _work = moreYoungObjects(1500, young);
      vi.advanceTimersByTime(ms);
    }
    vi.advanceTimersByTime(5000);
    expect(growth).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("V8 does as it is told", () => {
  const code = `
    const { keepYoungObjectsFew, moreYoungObjects, youngGeneration } = await import(${JSON.stringify(module)});
    keepYoungObjectsFew();
    moreYoungObjects(0);
    const inUse = new Array(50_000);
    for (let made = 0; made < 5_000_000; made++) {
      inUse[made % inUse.length] = { made: [made] };
      if (made % 10_000 === 0) await new Promise(setImmediate);
    }
    process.stdout.write(String(youngGeneration.sizeBytes()));`;
  const sizeBytes = execFileSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" });
  expect(Number(sizeBytes)).toBeGreaterThan(4 * mib);
});

const module = new URL("young-objects.ts", import.meta.url).href;
