import type { Retention } from "@saveos/contract";
import { expect, test } from "vitest";
import { isSameRetention, isShorter } from "./is-shorter.ts";

const shorter: readonly (readonly [string, Retention, Retention])[] = [
  ["a first rule where all was kept", {}, { keep_last: 1000 }],
  ["a smaller number", { keep_daily: 7 }, { keep_daily: 6 }],
  ["a rule that is gone", { keep_daily: 7, keep_weekly: 5 }, { keep_daily: 7 }],
  ["one rule in place of another", { keep_daily: 7 }, { keep_weekly: 52 }],
  ["a larger number beside a smaller one", { keep_daily: 7, keep_weekly: 5 }, { keep_daily: 30, keep_weekly: 4 }],
  ["a shorter duration", { keep_within: "30d" }, { keep_within: "29d" }],
  ["a duration that may be shorter", { keep_within: "30d" }, { keep_within: "1m" }],
  ["hours less", { keep_within: "1d1h" }, { keep_within: "24h" }],
];

test.each(shorter)("%s is shorter", (_name, before, after) => {
  expect(isShorter(before, after)).toBe(true);
});

const notShorter: readonly (readonly [string, Retention, Retention])[] = [
  ["no rule any more, so that all is kept", { keep_last: 5 }, {}],
  ["the same", { keep_daily: 7, keep_within: "1y" }, { keep_within: "1y", keep_daily: 7 }],
  ["a larger number", { keep_daily: 7 }, { keep_daily: 8 }],
  ["one more rule beside the others", { keep_daily: 7 }, { keep_daily: 7, keep_last: 1 }],
  ["a longer duration", { keep_within: "1y" }, { keep_within: "2y" }],
  ["months in place of fewer days", { keep_within: "28d" }, { keep_within: "1m" }],
];

test.each(notShorter)("%s is not shorter", (_name, before, after) => {
  expect(isShorter(before, after)).toBe(false);
});

test("the order of rules makes no difference", () => {
  expect(isSameRetention({ keep_daily: 7, keep_last: 1 }, { keep_last: 1, keep_daily: 7 })).toBe(true);
  expect(isSameRetention({ keep_daily: 7 }, { keep_daily: 8 })).toBe(false);
});
