import * as fc from "fast-check";
import { expect, test } from "vitest";
import { retention } from "@saveos/contract";
import { applyPolicy, parseCalendarSpan, utcZone } from "@saveos/engine";
import { keptSnapshots } from "../../apps/server/src/features/plans/kept-snapshots.ts";

/** The server has no engine, so it has these rules a second time: both must say the same of the same times. */

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
const nowMs = Date.UTC(2030, 5, 15, 12);

/** In bursts and gaps: some hours apart, some years. */
const anyTimes = fc
  .array(
    fc.oneof(
      fc.integer({ min: 1, max: hourMs }),
      fc.integer({ min: 1, max: 30 * hourMs }),
      fc.integer({ min: 1, max: yearMs }),
    ),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((gaps) => gaps.map((_, nr) => nowMs - gaps.slice(0, nr + 1).reduce((sum, gap) => sum + gap, 0)));

const anyCount = fc.option(fc.integer({ min: 1, max: 15 }), { nil: undefined });
const anyRetention = fc
  .record({
    keep_last: anyCount,
    keep_hourly: anyCount,
    keep_daily: anyCount,
    keep_weekly: anyCount,
    keep_monthly: anyCount,
    keep_yearly: anyCount,
    keep_within: fc.option(
      fc
        .tuple(fc.nat(3), fc.nat(14), fc.nat(40), fc.nat(50))
        .map(([years, months, days, hours]) => `${years}y${months}m${days}d${hours}h`),
      { nil: undefined },
    ),
  })
  .map((wished) => retention.parse(wished));

test("the server's retention and the engine's forget keep the same snapshots for the same reasons", () => {
  fc.assert(
    fc.property(anyTimes, anyRetention, (times, wished) => {
      const { keep_last, keep_hourly, keep_daily, keep_weekly, keep_monthly, keep_yearly, keep_within } = wished;
      const policy = {
        last: keep_last,
        counts: {
          hourly: keep_hourly,
          daily: keep_daily,
          weekly: keep_weekly,
          monthly: keep_monthly,
          yearly: keep_yearly,
        },
        within: keep_within === undefined ? undefined : parseCalendarSpan(keep_within),
      };
      const byServer = keptSnapshots(
        times.map((ms) => ({ id: new Date(ms).toISOString(), receivedAt: new Date(ms) })),
        wished,
      );
      fc.pre(byServer.keep[0]?.reasons[0] !== "no rule");
      const byEngine = applyPolicy(
        times.map((ms) => ({ time: new Date(ms).toISOString(), tags: [] })),
        policy,
        { nowNs: BigInt(nowMs) * 1_000_000n, zone: utcZone },
      );
      const said = byEngine.keep.map(({ snapshot, reasons }) => ({
        id: snapshot.time,
        reasons: reasons.map((reason) => reason.replace(/ snapshot$/, "").replace(/^within .*/, "within")).toSorted(),
      }));
      expect(byServer.keep.map(({ snapshot, reasons }) => ({ id: snapshot.id, reasons: reasons.toSorted() }))).toEqual(
        said,
      );
      expect(byServer.remove.map(({ id }) => id)).toEqual(byEngine.remove.map(({ time }) => time));
    }),
    { numRuns: 2000 },
  );
});
