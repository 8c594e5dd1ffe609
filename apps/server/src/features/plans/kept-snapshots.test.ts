import type { Retention } from "@saveos/contract";
import { expect, test } from "vitest";
import { keptSnapshots } from "./kept-snapshots.ts";

function kept(times: readonly string[], retention: Retention): Record<string, readonly string[]> {
  const snapshots = times.map((time) => ({ id: time, receivedAt: new Date(`${time}Z`) }));
  const { keep } = keptSnapshots(snapshots, retention);
  return Object.fromEntries(keep.map(({ snapshot, reasons }) => [snapshot.id, reasons]));
}

const hours = ["2030-01-01T09:10", "2030-01-01T09:50", "2030-01-01T10:10", "2030-01-02T10:00", "2030-01-08T10:00"];

test("a retention without rules keeps everything", () => {
  expect(Object.keys(kept(hours, {}))).toHaveLength(5);
  expect(Object.keys(kept(hours, { keep_within: "0d" }))).toHaveLength(5);
});

test("the last so many are kept", () => {
  expect(kept(hours, { keep_last: 2 })).toEqual({ "2030-01-08T10:00": ["last"], "2030-01-02T10:00": ["last"] });
});

test("of each hour, day, week, month and year the newest counts, and only those that have a snapshot", () => {
  expect(Object.keys(kept(hours, { keep_hourly: 4 })).toSorted()).toEqual(
    ["2030-01-01T09:50", "2030-01-01T10:10", "2030-01-02T10:00", "2030-01-08T10:00"].toSorted(),
  );
  expect(Object.keys(kept(hours, { keep_daily: 2 }))).toEqual(["2030-01-08T10:00", "2030-01-02T10:00"]);
  expect(Object.keys(kept(hours, { keep_weekly: 2 }))).toEqual(["2030-01-08T10:00", "2030-01-02T10:00"]);
  expect(Object.keys(kept(["2029-12-31T10:00", ...hours], { keep_monthly: 5 }))).toEqual([
    "2030-01-08T10:00",
    "2029-12-31T10:00",
  ]);
  expect(Object.keys(kept(["2028-05-05T10:00", ...hours], { keep_yearly: 5 }))).toEqual([
    "2030-01-08T10:00",
    "2028-05-05T10:00",
  ]);
});

test("a snapshot that several rules keep says them all", () => {
  expect(kept(hours, { keep_last: 1, keep_daily: 1, keep_within: "6d" })["2030-01-08T10:00"]).toEqual([
    "last",
    "daily",
    "within",
  ]);
});

test("within counts back from the newest snapshot, and what is just at its edge is not kept", () => {
  expect(Object.keys(kept(hours, { keep_within: "6d1h" }))).toEqual(["2030-01-08T10:00", "2030-01-02T10:00"]);
  expect(Object.keys(kept(hours, { keep_within: "6d" }))).toEqual(["2030-01-08T10:00"]);
  expect(Object.keys(kept(hours, { keep_within: "1m" }))).toHaveLength(5);
});

test("the oldest of all is kept too while a rule has counts left", () => {
  expect(kept(hours, { keep_weekly: 3 })).toEqual({
    "2030-01-08T10:00": ["weekly"],
    "2030-01-02T10:00": ["weekly"],
    "2030-01-01T09:10": ["oldest weekly"],
  });
});

test("a month back from a day that it does not have runs over into the next, and a span before all dates keeps all", () => {
  const march = ["2030-03-31T12:00", "2030-03-03T12:01", "2030-03-03T12:00", "2030-02-28T12:00"];
  expect(Object.keys(kept(march, { keep_within: "1m" }))).toEqual(["2030-03-31T12:00", "2030-03-03T12:01"]);
  expect(Object.keys(kept(march, { keep_within: "9999y9999m9999d" }))).toHaveLength(4);
  expect(Object.keys(kept(march, { keep_within: "0d", keep_last: 1 }))).toEqual(["2030-03-31T12:00"]);
});

test("what no rule keeps is to be removed, and nothing is in both", () => {
  const snapshots = hours.map((time) => ({ id: time, receivedAt: new Date(`${time}Z`) }));
  const { keep, remove } = keptSnapshots(snapshots, { keep_daily: 1 });
  expect([...keep.map(({ snapshot }) => snapshot.id), ...remove.map(({ id }) => id)].toSorted()).toEqual(
    hours.toSorted(),
  );
});
