import { expect, test } from "vitest";
import { backOffMs } from "./back-off.ts";

test("waits double from one second up to a minute", () => {
  expect([1, 2, 3, 6, 7, 100].map((failures) => backOffMs(failures, 1))).toEqual([
    1000, 2000, 4000, 32_000, 60_000, 60_000,
  ]);
});

test("waits are spread, so that many agents don't come back at one moment", () => {
  expect([backOffMs(7, 0), backOffMs(7, 0.5), backOffMs(7, 1)]).toEqual([30_000, 45_000, 60_000]);
});
