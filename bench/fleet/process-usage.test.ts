import { expect, test } from "vitest";
import { descendants, parseMemory, parseStat, usageOf } from "./process-usage.ts";

test("a process is read whatever its name", () => {
  const line = "4711 (a (b) c) S 17 4711 4711 0 -1 4194304 100 200 0 0 150 50 7 3 20 0 11 0 12345 1000 200";
  expect(parseStat(line)).toEqual({ pid: 4711, parentPid: 17, cpuMs: 2000, childrenCpuMs: 100 });
});

test("memory is the kernel's, in bytes", () => {
  const rollup = "00400000-7fff ---p 00000000 00:00 0 [rollup]\nRss:  2048 kB\nPss:  1024 kB\nPss_Dirty:  12 kB\n";
  expect(parseMemory(rollup)).toEqual({ rssBytes: 2 * 2 ** 20, pssBytes: 2 ** 20 });
});

test("a process that has just ended used nothing", () => {
  expect(parseMemory("")).toEqual({ rssBytes: 0, pssBytes: 0 });
});

test("children of children belong to a process, its parent and its neighbours don't", () => {
  const stat = (pid: number, parentPid: number) => ({ pid, parentPid, cpuMs: 0, childrenCpuMs: 0 });
  const all = [stat(1, 0), stat(2, 1), stat(3, 2), stat(4, 3), stat(5, 3), stat(6, 1)];
  expect(descendants(all, 2).map(({ pid }) => pid)).toEqual([3, 4, 5]);
});

test.runIf(process.platform === "linux")("this process uses memory and time", async () => {
  const usage = await usageOf(process.pid);
  expect(usage.cpuMs).toBeGreaterThan(0);
  expect(usage.rssBytes).toBeGreaterThanOrEqual(usage.pssBytes);
  expect(usage.pssBytes).toBeGreaterThan(2 ** 20);
});
