import { setTimeout as sleep } from "node:timers/promises";
import type { JobState } from "@saveos/contract";
import type { Administrator } from "./administrator.ts";
import type { Fleet } from "./fleet.ts";
import type { OrdersVerdict } from "./order-book.ts";

interface Deps {
  readonly administrator: Administrator;
  readonly fleet: Fleet;
}

/** Orders backups at a steady rate, each to an agent that has nothing to do, whether the earlier ones are answered or not. Returns how long the answers took: ms. */
export async function giveOrders(
  { administrator, fleet }: Deps,
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<number[]> {
  const beginning = performance.now();
  const timesMs: number[] = [];
  const giving: Promise<void>[] = [];
  const agents = shuffled(fleet.agents);
  for (let given = 0; given < count; given += 1) {
    const early = beginning + (given / perSecond) * 1000 - performance.now();
    if (early > 1) await sleep(early);
    const agent = agents[given % agents.length];
    if (agent === undefined || agent.isBusy) continue;
    giving.push(giveOrder({ administrator, fleet }, agent.agentId, timesMs));
  }
  await Promise.all(giving);
  return timesMs;
}

async function giveOrder({ administrator, fleet }: Deps, agentId: string, timesMs: number[]): Promise<void> {
  try {
    const sentAt = performance.now();
    const { jobId, ms } = await administrator.orderBackup(agentId);
    fleet.orders.sent(jobId, { agentId, sentAt, acceptedAt: performance.now() });
    timesMs.push(ms);
  } catch (error) {
    fleet.log.failed(`order: ${String(error)}`);
  }
}

/** Jobs take some ten seconds; what hasn't ended long after that never will. */
const endTimeoutMs = 60_000;

/** Waits until every agent is done with its jobs, and compares what was ordered with what the server says became of it. */
export async function judgeOrders({ administrator, fleet }: Deps): Promise<OrdersVerdict> {
  const giveUpAt = performance.now() + endTimeoutMs;
  while (fleet.agents.some(({ isBusy }) => isBusy) && performance.now() < giveUpAt) await sleep(250);
  const states = new Map<string, JobState>();
  for await (const { id, state } of administrator.jobs()) states.set(id, state);
  return fleet.orders.judge((jobId) => states.get(jobId));
}

/** Fisher and Yates. From a seed, so that two runs order alike. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const mixed = [...items];
  let seed = 42;
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    // The "minimal standard" generator of Park and Miller.
    seed = (seed * 48_271) % 2_147_483_647;
    const other = seed % (at + 1);
    const [here, there] = [mixed[at], mixed[other]];
    if (here !== undefined && there !== undefined) [mixed[at], mixed[other]] = [there, here];
  }
  return mixed;
}
