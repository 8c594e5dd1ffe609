import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Progress, progressText, secondsLeft, shareDone } from "./progress-text.ts";
import { textWidth } from "./text-width.ts";

const half: Progress = {
  filesDone: 1204,
  filesTotal: 3000,
  bytesDone: 512 * 1024 ** 2,
  bytesTotal: 1024 ** 3,
  secondsElapsed: 12,
  bytesPerSecond: 64 * 1024 ** 2,
};

test("a wide terminal sees percent, bar, files, bytes, speed and time left", () => {
  expect(progressText(half, 120)).toBe(
    ` 50 %  ${"━".repeat(15)}${"─".repeat(15)}  1,204 of 3,000 files · 512 MiB of 1.00 GiB · 64.0 MiB/s · 0:08 left`,
  );
});

test("what is counted need not be files", () => {
  expect(progressText({ ...half, counted: "blobs" }, 120)).toContain("1,204 of 3,000 blobs");
});

test("a narrower terminal loses the speed first, then the files", () => {
  expect(progressText(half, 72)).not.toContain("/s");
  expect(progressText(half, 72)).toContain("files");
  expect(progressText(half, 50)).not.toContain("files");
  expect(progressText(half, 50)).toContain("0:08 left");
});

test("while the total is unknown there is no percent and no bar", () => {
  const counting = { ...half, filesTotal: undefined, bytesTotal: undefined };
  expect(progressText(counting, 100)).toBe("1,204 files · 512 MiB · 64.0 MiB/s · 0:12");
  expect(secondsLeft(counting)).toBeUndefined();
});

test("the time left is not guessed in the first seconds", () => {
  expect(secondsLeft({ ...half, secondsElapsed: 2 })).toBeUndefined();
});

test("a set of empty files is done by its files, and an empty set is done", () => {
  expect(shareDone({ ...half, bytesDone: 0, bytesTotal: 0 })).toBeCloseTo(0.4, 1);
  expect(shareDone({ ...half, bytesDone: 0, bytesTotal: 0, filesDone: 0, filesTotal: 0 })).toBe(1);
});

test("files that grew during the backup don't make it more than done", () => {
  expect(shareDone({ ...half, bytesDone: 2 * 1024 ** 3 })).toBe(1);
});

test("no width makes the line wider than the terminal", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.nat(), fc.boolean(), (columns, done, total, known) => {
      const totals = known
        ? { bytesTotal: total, filesTotal: total }
        : { bytesTotal: undefined, filesTotal: undefined };
      expect(textWidth(progressText({ ...half, bytesDone: done, ...totals }, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});
