import { setTimeout as sleep } from "node:timers/promises";
import type { EnrolledMachine } from "./enrol-fleet.ts";
import { FleetLog } from "./fleet-log.ts";
import type { Door } from "./line.ts";
import { OrderBook } from "./order-book.ts";
import { SimulatedAgent } from "./simulated-agent.ts";

/** Agents that are at work. Disposing of it ends them. */
export interface Fleet extends AsyncDisposable {
  readonly agents: readonly SimulatedAgent[];
  readonly log: FleetLog;
  readonly orders: OrderBook;
}

/** The longest that an agent pauses when it can't reach its server (`back-off.ts`): so long after an outage all of them are back. */
const arrivalMs = 60_000;

/** Starts an agent for each machine, evenly over a minute, and resolves when all of them have been let in and wait. */
export async function startFleet(door: Door, machines: readonly EnrolledMachine[]): Promise<Fleet> {
  const log = new FleetLog();
  const orders = new OrderBook();
  const agents = machines.map((machine, place) => new SimulatedAgent({ door, log, orders }, machine, place));
  const stopping = new AbortController();
  const beginning = performance.now();
  const running: Promise<void>[] = [];
  for (const [place, agent] of agents.entries()) {
    const early = beginning + (place / agents.length) * arrivalMs - performance.now();
    if (early > 1) await sleep(early);
    running.push(agent.run(stopping.signal));
  }
  await untilAllAreIn(log, agents.length);
  return {
    agents,
    log,
    orders,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** Longer than this nobody needs to be let in: what is missing then shows as a failure. */
const entryTimeoutMs = 60_000;

async function untilAllAreIn(log: FleetLog, count: number): Promise<void> {
  const giveUpAt = performance.now() + entryTimeoutMs;
  while (log.entriesMs.length < count && performance.now() < giveUpAt) await sleep(100);
}
