import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseTime, utcZone } from "../../format/time.ts";
import { applyPolicy, type DatedSnapshot } from "./apply-policy.ts";
import { parseCalendarSpan } from "./calendar-span.ts";
import { type Period, periods, type Policy } from "./policy.ts";

interface Vectors {
  readonly now: string;
  readonly sets: readonly {
    readonly snapshots: readonly DatedSnapshot[];
    readonly answers: readonly {
      /** In restic's options. */
      readonly policy: readonly string[];
      /** The reasons, by the place of the snapshot in the list. */
      readonly keep: Readonly<Record<string, readonly string[]>>;
    }[];
  }[];
}

const url = new URL("../../../vectors/forget-restic0.19.1.json", import.meta.url);
const { now, sets } = JSON.parse(readFileSync(url, "utf8")) as Vectors;

test.each(sets.map((set) => [set.snapshots.length, set.answers.length, set] as const))(
  "of %i snapshots, stock restic 0.19.1 keeps the same for the same reasons, by each of %i policies",
  (_snapshots, _policies, { snapshots, answers }) => {
    expect(answers.length).toBeGreaterThan(0);
    for (const { policy, keep } of answers) {
      const applied = applyPolicy(snapshots, policyOf(policy), { nowNs: parseTime(now), zone: utcZone });
      const kept = applied.keep.map(({ snapshot, reasons }) => [String(snapshots.indexOf(snapshot)), reasons] as const);
      expect({ policy, keep: Object.fromEntries(kept) }).toEqual({ policy, keep });
    }
  },
);

function policyOf(options: readonly string[]): Policy {
  const said = options.map((option) => /^--keep-([a-z-]+)=(.*)$/.exec(option)?.slice(1) ?? expect.unreachable(option));
  const last = (name: string) => said.findLast(([option]) => option === name)?.[1];
  const count = (name: string) => {
    const text = last(name);
    return text === undefined || text === "unlimited" ? text : Number(text);
  };
  const span = (name: string) => {
    const text = last(name);
    return text === undefined ? undefined : parseCalendarSpan(text);
  };
  const ofEach = <Value>(value: (period: Period) => Value) =>
    Object.fromEntries(periods.map((period) => [period, value(period)]));
  return {
    last: count("last"),
    counts: ofEach(count),
    within: span("within"),
    periodsWithin: ofEach((period) => span(`within-${period}`)),
    tagLists: said.filter(([option]) => option === "tag").map(([, list]) => (list ?? "").split(",")),
  };
}
