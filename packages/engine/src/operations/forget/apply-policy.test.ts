import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatTime, parseTime, utcZone } from "../../format/time.ts";
import { applyPolicy, type DatedSnapshot, type Today } from "./apply-policy.ts";
import { parseCalendarSpan } from "./calendar-span.ts";
import { periods, type Policy } from "./policy.ts";

const today: Today = { nowNs: parseTime("2030-06-15T12:00:00Z"), zone: utcZone };

function snapshot(time: string, ...tags: string[]): DatedSnapshot {
  return { time: time.length > 16 ? time : `${time}:00Z`, tags };
}

/** The kept ones by time, with the reasons. */
function kept(snapshots: readonly DatedSnapshot[], policy: Policy, at = today): Record<string, readonly string[]> {
  const { keep } = applyPolicy(snapshots, policy, at);
  return Object.fromEntries(
    keep.map(({ snapshot: { time }, reasons }) => [time.replace(/:00Z$/, ""), reasons] as const),
  );
}

function times(count: number, time: (nr: number) => string): DatedSnapshot[] {
  return Array.from({ length: count }, (_, nr) => snapshot(time(nr)));
}

const twoDigits = (value: number) => String(value).padStart(2, "0");
/** Two a day from 1 to 20 January 2030, which is a Tuesday. */
const january = times(40, (nr) => `2030-01-${twoDigits(1 + Math.floor(nr / 2))}T${nr % 2 === 0 ? "08" : "20"}:00`);

describe("counted rules", () => {
  test("keep the last so many", () => {
    expect(kept(january, { last: 2 })).toEqual({
      "2030-01-20T20:00": ["last snapshot"],
      "2030-01-20T08:00": ["last snapshot"],
    });
  });

  test("keep the newest of each day, week, month and year that has any", () => {
    expect(Object.keys(kept(january, { counts: { daily: 2 } }))).toEqual(["2030-01-20T20:00", "2030-01-19T20:00"]);
    expect(Object.keys(kept(january, { counts: { weekly: 2 } }))).toEqual(["2030-01-20T20:00", "2030-01-13T20:00"]);
    const more = [...january, snapshot("2029-11-30T23:59"), snapshot("2029-11-30T23:58"), snapshot("2028-02-29T00:00")];
    expect(Object.keys(kept(more, { counts: { monthly: 2 } }))).toEqual(["2030-01-20T20:00", "2029-11-30T23:59"]);
    expect(Object.keys(kept(more, { counts: { yearly: 2 } }))).toEqual(["2030-01-20T20:00", "2029-11-30T23:59"]);
  });

  test("keep the newest of each hour", () => {
    const day = times(6, (nr) => `2030-01-01T${twoDigits(Math.floor(nr / 2))}:${nr % 2 === 0 ? "10" : "50"}`);
    expect(Object.keys(kept(day, { counts: { hourly: 2 } }))).toEqual(["2030-01-01T02:50", "2030-01-01T01:50"]);
  });

  test("keep the oldest of all too while they have counts left, so that a history gets no shorter than it must", () => {
    expect(kept(january, { counts: { monthly: 2 } })).toEqual({
      "2030-01-20T20:00": ["monthly snapshot"],
      "2030-01-01T08:00": ["oldest monthly snapshot"],
    });
    expect(Object.keys(kept(january, { counts: { monthly: 1 } }))).toEqual(["2030-01-20T20:00"]);
  });

  test("that are unlimited keep one of each, for ever", () => {
    expect(Object.keys(kept(january, { counts: { daily: "unlimited" } }))).toHaveLength(21);
    expect(Object.keys(kept(january, { last: "unlimited" }))).toHaveLength(40);
  });

  test("say all their reasons, and each takes a count", () => {
    expect(kept(january, { last: 1, counts: { daily: 1, yearly: 1 } })).toEqual({
      "2030-01-20T20:00": ["last snapshot", "daily snapshot", "yearly snapshot"],
    });
  });
});

describe("days, weeks and years", () => {
  test("are those of the snapshot's own clocks, not of UTC", () => {
    // One moment apart, and each the first of its day where it was made.
    const around = [snapshot("2030-01-02T00:10:00+10:00"), snapshot("2030-01-01T23:50:00-10:00")];
    expect(Object.keys(kept(around, { counts: { daily: 5 } }))).toHaveLength(2);
    const same = [
      snapshot("2030-01-01T00:10:00+10:00"),
      snapshot("2030-01-01T23:50:00-10:00"),
      snapshot("2029-01-01T00:00"),
    ];
    expect(Object.keys(kept(same, { counts: { daily: 1 } }))).toEqual(["2030-01-01T23:50:00-10:00"]);
  });

  test.each([
    ["2029-12-31T10:00", "2030-01-06T10:00", 1],
    ["2029-12-30T10:00", "2029-12-31T10:00", 2],
    ["2026-12-31T10:00", "2027-01-03T10:00", 1],
    ["1969-12-29T10:00", "1970-01-04T10:00", 1],
    ["1969-12-28T10:00", "1969-12-29T10:00", 2],
  ])("%s and %s are in %i week or weeks of ISO 8601", (earlier, later, weeks) => {
    const snapshots = [snapshot(later), snapshot(earlier), snapshot("1960-01-01T00:00")];
    expect(Object.keys(kept(snapshots, { counts: { weekly: weeks } }))).toHaveLength(weeks);
    expect(Object.keys(kept(snapshots, { counts: { weekly: 2 } })).includes(earlier)).toBe(weeks === 2);
  });
});

describe("rules of a time span", () => {
  const span = parseCalendarSpan;

  test("count back from the newest snapshot, and leave out the one just at the beginning", () => {
    expect(Object.keys(kept(january, { within: span("1d") }))).toEqual(["2030-01-20T20:00", "2030-01-20T08:00"]);
    expect(kept(january, { within: span("1d1h") })["2030-01-19T20:00"]).toEqual(["within 1d1h"]);
  });

  test("keep the newest of each period in it, and the oldest of all if that is in it", () => {
    expect(Object.keys(kept(january, { periodsWithin: { daily: span("2d") } }))).toEqual([
      "2030-01-20T20:00",
      "2030-01-19T20:00",
    ]);
    expect(kept(january, { periodsWithin: { monthly: span("1y") } })).toEqual({
      "2030-01-20T20:00": ["monthly within 1y"],
      "2030-01-01T08:00": ["oldest monthly within 1y"],
    });
    expect(Object.keys(kept(january, { periodsWithin: { monthly: span("10d") } }))).toEqual(["2030-01-20T20:00"]);
  });

  test("of no time say nothing", () => {
    expect(kept(january, { within: span("0d"), last: 1 })).toEqual({ "2030-01-20T20:00": ["last snapshot"] });
  });
});

describe("tags", () => {
  const tagged = [
    snapshot("2030-01-01T00:00", "a", "b"),
    snapshot("2030-01-02T00:00", "a"),
    snapshot("2030-01-03T00:00"),
  ];

  test("keep what has all of one list", () => {
    expect(kept(tagged, { tagLists: [["a", "b"], ["c"]] })).toEqual({ "2030-01-01T00:00": ["has tags [a, b]"] });
    expect(Object.keys(kept(tagged, { tagLists: [["a"]] }))).toEqual(["2030-01-02T00:00", "2030-01-01T00:00"]);
  });

  test("that are one empty tag keep what has none", () => {
    expect(kept(tagged, { tagLists: [[""]] })).toEqual({ "2030-01-03T00:00": ["has tags []"] });
  });
});

describe("a clock that was years off", () => {
  const fromTheFuture = snapshot("2050-01-01T00:00");

  test("in the future does not make everything older than a span", () => {
    expect(Object.keys(kept([...january, fromTheFuture], { within: parseCalendarSpan("1d") }))).toEqual([
      "2050-01-01T00:00",
      "2030-01-20T20:00",
      "2030-01-20T08:00",
    ]);
  });

  test("in the past of now itself, so that all snapshots are from the future, makes a span keep all of them", () => {
    const at = { ...today, nowNs: parseTime("2010-01-01T00:00:00Z") };
    expect(Object.keys(kept(january, { within: parseCalendarSpan("1h") }, at))).toHaveLength(40);
    expect(Object.keys(kept(january, { last: 1 }, at))).toEqual(["2030-01-20T20:00"]);
  });

  test("in the future of now itself changes nothing: spans are counted from the newest snapshot", () => {
    const at = { ...today, nowNs: parseTime("2050-06-15T12:00:00Z") };
    for (const policy of [{ within: parseCalendarSpan("3d") }, { counts: { daily: 3 } }])
      expect(kept(january, policy, at)).toEqual(kept(january, policy));
  });

  test("in the past, twenty years back, costs that snapshot's rank and nothing else", () => {
    const old = snapshot("2010-01-20T08:00");
    const { "2010-01-20T08:00": reasons, ...others } = kept([...january, old], { counts: { daily: 3 } });
    expect({ reasons, others }).toEqual({ reasons: undefined, others: kept(january, { counts: { daily: 3 } }) });
  });
});

describe("whatever the snapshots and the policy", () => {
  const nowSeconds = Number(today.nowNs / 1_000_000_000n);
  const anySnapshot = fc
    .tuple(
      fc.integer({ min: nowSeconds - 20 * 365 * 86_400, max: nowSeconds + 20 * 365 * 86_400 }),
      fc.integer({ min: -12 * 4, max: 14 * 4 }),
      fc.subarray(["a", "b"]),
    )
    .map(([seconds, quarters, tags]): DatedSnapshot => {
      return { time: formatTime(BigInt(seconds) * 1_000_000_000n, () => quarters * 900), tags };
    });
  const anyCount = fc.option(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant("unlimited" as const)), {
    nil: undefined,
  });
  const anySpan = fc.option(fc.record({ years: fc.nat(5), months: fc.nat(20), days: fc.nat(40), hours: fc.nat(50) }), {
    nil: undefined,
  });
  const ofEachPeriod = <Value>(value: fc.Arbitrary<Value>) =>
    fc.record(Object.fromEntries(periods.map((period) => [period, value])));
  const anyPolicy: fc.Arbitrary<Policy> = fc.record({
    last: anyCount,
    counts: ofEachPeriod(anyCount),
    within: anySpan,
    periodsWithin: ofEachPeriod(anySpan),
    tagLists: fc.array(fc.subarray(["a", "b"], { minLength: 1 }), { maxLength: 2 }),
  });
  const anyCase = fc.tuple(fc.array(anySnapshot, { maxLength: 60 }), anyPolicy);
  const keptOf = (snapshots: readonly DatedSnapshot[], policy: Policy) =>
    new Set(applyPolicy(snapshots, policy, today).keep.map(({ snapshot }) => snapshot));

  test("each snapshot is kept or removed, never both, and newest first", () => {
    fc.assert(
      fc.property(anyCase, ([snapshots, policy]) => {
        const { keep, remove } = applyPolicy(snapshots, policy, today);
        const decided = [...keep.map(({ snapshot }) => snapshot), ...remove];
        expect(new Set(decided)).toEqual(new Set(snapshots));
        expect(decided).toHaveLength(snapshots.length);
        for (const list of [keep.map(({ snapshot }) => snapshot), remove]) {
          const moments = list.map(({ time }) => parseTime(time));
          expect(moments).toEqual(moments.toSorted((a, b) => (a > b ? -1 : a < b ? 1 : 0)));
        }
      }),
    );
  });

  test("one more rule keeps no fewer", () => {
    fc.assert(
      fc.property(anyCase, anyPolicy, ([snapshots, policy], more) => {
        const before = keptOf(snapshots, { tagLists: policy.tagLists });
        const after = keptOf(snapshots, { ...more, tagLists: [...(policy.tagLists ?? []), ...(more.tagLists ?? [])] });
        expect([...before].filter((snapshot) => !after.has(snapshot))).toEqual([]);
      }),
    );
  });

  test("keeping what was kept, by the same policy, removes nothing of it that counted for its period", () => {
    fc.assert(
      fc.property(fc.array(anySnapshot, { maxLength: 60 }), ofEachPeriod(anyCount), (snapshots, counts) => {
        const once = applyPolicy(snapshots, { counts }, today).keep.map(({ snapshot }) => snapshot);
        expect(applyPolicy(once, { counts }, today).remove).toEqual([]);
      }),
    );
  });

  test("keep-last n keeps n, or all if there are fewer", () => {
    fc.assert(
      fc.property(fc.array(anySnapshot, { maxLength: 60 }), fc.integer({ min: 1, max: 80 }), (snapshots, last) => {
        expect(keptOf(snapshots, { last }).size).toBe(Math.min(last, snapshots.length));
      }),
    );
  });
});
