import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "@saveos/contract";
import { progress } from "../screen.ts";
import { startFleet } from "./fleet.ts";
import { histogram } from "./histogram.ts";
import { spreadOf } from "./percentiles.ts";
import type { DueRun, Side } from "./results.ts";
import type { Stage } from "./stage.ts";

const minuteMs = 60_000;

/** The plan's runs must be worked out before the window opens. */
const noticeMs = 20_000;

/** What hasn't come so long after the window closed is late, and no more is waited for. */
const graceMs = 30_000;

const barSeconds = 10;

/** A plan's window opens for all agents at one minute: when does each get its order? */
export async function runDue(
  stage: Stage,
  { side, agents, windowMinutes }: { readonly side: Side; readonly agents: number; readonly windowMinutes: number },
): Promise<DueRun> {
  await using opened = await stage.open(side);
  const { door, administrator } = opened;
  const machines = stage.machines.slice(0, agents);
  await using fleet = await startFleet(door, machines);
  const opensAt = Math.ceil((Date.now() + noticeMs) / minuteMs) * minuteMs;
  const closesAt = opensAt + windowMinutes * minuteMs;
  const planId = await administrator.makePlan({
    name: `bench ${new Date(opensAt).toISOString()}`,
    paths: ["/home"],
    schedule: { kind: "daily", from: timeOfDay(opensAt), to: timeOfDay(closesAt) },
    agent_ids: machines.map(({ agentId }) => agentId),
  });
  const isOver = () =>
    Date.now() > closesAt + graceMs || (fleet.orders.arrived >= agents && fleet.agents.every(({ isBusy }) => !isBusy));
  while (!isOver()) {
    progress(`${agents} agents due: ${fleet.orders.arrived} orders have come`);
    await sleep(500);
  }
  const jobs: Job[] = [];
  for await (const job of administrator.jobs(`&plan_id=${planId}`)) jobs.push(job);
  const arrivals = jobs.flatMap((job) => {
    const [first] = fleet.orders.arrivalsOf(job.id);
    return first === undefined ? [] : [{ job, at: performance.timeOrigin + first.at }];
  });
  const second = (at: number) => (at - opensAt) / 1000;
  const windowSeconds = (closesAt - opensAt) / 1000;
  const cameTo = (job: Job) => fleet.orders.arrivalsOf(job.id).map(({ agentId }) => agentId);
  return {
    side,
    agents,
    windowSeconds,
    arrivals: arrivals.length,
    early: arrivals.filter(({ at }) => at < opensAt).length,
    late: arrivals.filter(({ at }) => at > closesAt).length,
    histogram: histogram(
      arrivals.map(({ at }) => second(at)),
      { from: 0, to: windowSeconds, step: barSeconds },
    ),
    lateness: spreadOf(arrivals.map(({ job, at }) => at - Date.parse(job.due_at ?? job.requested_at))),
    orders: {
      sent: jobs.length,
      lost: jobs.filter((job) => cameTo(job).length === 0).length,
      repeated: jobs.filter((job) => cameTo(job).length > 1).length,
      astray: jobs.filter((job) => cameTo(job).some((agentId) => agentId !== job.agent_id)).length,
      unfinished: jobs.filter(({ state }) => state !== "completed").length,
    },
    failures: Object.fromEntries(fleet.log.failures),
  };
}

function timeOfDay(at: number): string {
  return new Date(at).toISOString().slice(11, 16);
}
