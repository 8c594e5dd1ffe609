import type { RunPreview, Schedule } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { selectPairs } from "./queries.ts";
import { listRuns, windowOf } from "./schedule/index.ts";
import { usableZone } from "./usable-zone.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

const previewMs = 7 * 24 * 60 * 60 * 1000;
/** What a person looks through, and a page shows. */
const runsMax = 2000;
const agentsMax = 1000;

/** What a plan will run in the next seven days, on which machine and when. */
export async function previewPlan(deps: Deps, planId: string): Promise<RunPreview> {
  const pairs = await selectPairs(deps.database, { planId }, { limit: agentsMax });
  const machines = pairs.flatMap(({ enabled, content, agent_id, hostname, time_zone }) =>
    enabled && content.schedule !== null
      ? [
          {
            schedule: content.schedule,
            agentId: agent_id,
            hostname,
            timeZone: time_zone,
            seed: `${planId}/${agent_id}`,
          },
        ]
      : [],
  );
  return preview(deps.clock.now(), machines, pairs.length === agentsMax);
}

/** When a schedule that is no plan's yet would run on a machine in a zone. */
export function previewSchedule({ clock }: Pick<Deps, "clock">, schedule: Schedule, timeZone: string): RunPreview {
  return preview(clock.now(), [{ schedule, agentId: null, hostname: null, timeZone, seed: "preview" }], false);
}

interface Machine {
  readonly schedule: Schedule;
  readonly agentId: string | null;
  readonly hostname: string | null;
  readonly timeZone: string;
  readonly seed: string;
}

function preview(from: Date, machines: readonly Machine[], isCut: boolean): RunPreview {
  const to = new Date(from.getTime() + previewMs);
  const runs = machines.flatMap(({ schedule, agentId, hostname, timeZone: named, seed }) => {
    const timeZone = usableZone(named);
    return listRuns(schedule, { timeZone, seed, from, to, max: runsMax + 1 }).map((at) => ({
      agent_id: agentId,
      hostname,
      time_zone: timeZone,
      at: at.toISOString(),
      local: localText(at, timeZone),
      window: windowText(schedule, timeZone, at),
    }));
  });
  const sorted = runs.toSorted((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    runs: sorted.slice(0, runsMax),
    is_cut: isCut || sorted.length > runsMax,
  };
}

function windowText(schedule: Schedule, timeZone: string, due: Date): { opens_at: string; closes_at: string } {
  const { opensAt, closesAt } = windowOf(schedule, { timeZone, due }) ?? { opensAt: due, closesAt: due };
  return { opens_at: opensAt.toISOString(), closes_at: closesAt.toISOString() };
}

/** Such as `2030-03-31T03:00:00+02:00`. */
function localText(at: Date, timeZone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(timeZone);
  return local.toString({ timeZoneName: "never", fractionalSecondDigits: 0 });
}
