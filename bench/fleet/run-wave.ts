import { setTimeout as sleep } from "node:timers/promises";
import { progress } from "../screen.ts";
import { startFleet } from "./fleet.ts";
import { giveOrders, judgeOrders } from "./give-orders.ts";
import { spreadOf } from "./percentiles.ts";
import type { OrderWave, Side } from "./results.ts";
import { figuresOf } from "./run-load.ts";
import type { Stage } from "./stage.ts";

const ordersPerSecond = 20;

/** After the last has come in, all of them are in a heartbeat that waits. */
const settleMs = 2000;

/** How soon an order is with an agent that waits. */
export async function runWave(
  stage: Stage,
  { side, agents, orders }: { readonly side: Side; readonly agents: number; readonly orders: number },
): Promise<OrderWave> {
  await using opened = await stage.open(side);
  const { door, administrator } = opened;
  progress(`${orders} orders to ${agents} agents that wait`);
  await using fleet = await startFleet(door, stage.machines.slice(0, agents));
  await sleep(settleMs);
  await giveOrders({ administrator, fleet }, { count: orders, perSecond: ordersPerSecond });
  const verdict = await judgeOrders({ administrator, fleet });
  return {
    side,
    agents,
    orders: figuresOf(verdict),
    latency: spreadOf(verdict.latenciesMs),
    failures: Object.fromEntries(fleet.log.failures),
  };
}
