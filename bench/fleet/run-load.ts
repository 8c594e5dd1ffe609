import { setTimeout as sleep } from "node:timers/promises";
import { heartbeatWaitMaxSeconds } from "@saveos/contract";
import { progress } from "../screen.ts";
import type { Administrator } from "./administrator.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { giveOrders, judgeOrders } from "./give-orders.ts";
import type { OrdersVerdict } from "./order-book.ts";
import { spreadOf } from "./percentiles.ts";
import type { FleetRun, OrderFigures, Side } from "./results.ts";
import type { Stage } from "./stage.ts";
import { watchUsage } from "./usage-window.ts";

/** One order a second for so many agents: 20 for 10,000, as if all of them were backed up within eight minutes. */
const agentsPerOrder = 500;

/** What people look at while the fleet is at work, one after another. */
const pages = ["/api/v1/jobs?limit=50", "/api/v1/agents?limit=100", "/api/v1/jobs?limit=50&state=running"];
const lookEveryMs = 400;

/** Every agent has sent its second heartbeat by then: from now on they wait. */
const settleMs = (heartbeatWaitMaxSeconds + 5) * 1000;

interface Wanted {
  readonly side: Side;
  readonly agents: number;
  readonly seconds: number;
}

/** A fleet of one size: it arrives, waits, and then works while orders come. */
export async function runLoad(stage: Stage, { side, agents, seconds }: Wanted): Promise<FleetRun> {
  await using opened = await stage.open(side);
  const { server, door, administrator, emptyBytes } = opened;
  const label = `${agents} agents, ${side}`;
  progress(`${label}: arriving`);
  let started: Fleet | undefined;
  const arrival = await watchUsage(server.pid, async () => {
    started = await startFleet(door, stage.machines.slice(0, agents));
  });
  if (started === undefined) throw new Error("unreachable: the fleet was started");
  await using fleet = started;
  const entries = spreadOf(fleet.log.entriesMs);
  progress(`${label}: settling`);
  await sleep(settleMs);

  progress(`${label}: waiting`);
  fleet.log.restart();
  const idle = await watchUsage(server.pid, async () => await sleep((seconds / 2) * 1000));
  const idleHeartbeats = fleet.log.heartbeatsMs;

  progress(`${label}: at work`);
  fleet.log.restart();
  const ordersPerSecond = agents / agentsPerOrder;
  const count = Math.round(ordersPerSecond * seconds);
  const looking = new AbortController();
  const listsMs = lookAround(administrator, fleet, looking.signal);
  let orderMs: number[] = [];
  const load = await watchUsage(server.pid, async () => {
    const isOver = sleep(seconds * 1000);
    orderMs = await giveOrders({ administrator, fleet }, { count, perSecond: ordersPerSecond });
    await isOver;
  });
  looking.abort();
  const lists = await listsMs;
  const verdict = await judgeOrders({ administrator, fleet });
  return {
    side,
    agents,
    ordersPerSecond,
    emptyBytes,
    entries,
    arrival,
    idle,
    load,
    times: {
      heartbeat: spreadOf([...idleHeartbeats, ...fleet.log.heartbeatsMs]),
      order: spreadOf(orderMs),
      report: spreadOf(fleet.log.reportsMs),
      list: spreadOf(lists),
      "order to agent": spreadOf(verdict.latenciesMs),
    },
    orders: figuresOf(verdict),
    failures: Object.fromEntries(fleet.log.failures),
  };
}

export function figuresOf({ sent, lost, repeated, astray, unfinished }: OrdersVerdict): OrderFigures {
  return {
    sent,
    lost: lost.length,
    repeated: repeated.length,
    astray: astray.length,
    unfinished: unfinished.length,
  };
}

/** Looks at one page after another until told to stop. Returns how long each took: ms. */
async function lookAround(administrator: Administrator, fleet: Fleet, signal: AbortSignal): Promise<number[]> {
  const timesMs: number[] = [];
  for (let turn = 0; !signal.aborted; turn += 1) {
    try {
      timesMs.push(await administrator.look(pages[turn % pages.length] ?? ""));
    } catch (error) {
      fleet.log.failed(`list: ${String(error)}`);
    }
    await sleep(lookEveryMs);
  }
  return timesMs;
}
