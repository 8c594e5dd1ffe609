import type { Order } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { grantFor } from "./grant-for-job.ts";
import { leaseFrom } from "./lease.ts";
import { type PendingJob, selectEnded, selectPending, toOrder } from "./queries.ts";

/** An order that an agent has neither started nor listed as its own after this long got lost on the way, and wakes it again. */
const redeliverAfterMs = 60_000;

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

interface Asking {
  readonly agentId: string;
  readonly sessionId: string;
  /** The jobs that the agent has, running or in its own queue. */
  readonly runningJobs: readonly string[];
}

export interface OrdersForAgent {
  /** All that wait for the agent and that it doesn't have. */
  readonly orders: Order[];
  readonly cancelJobs: string[];
  /** Something here is news: answer now. Otherwise the orders were given before, and it is enough to repeat them when the wait is over. */
  readonly isUrgent: boolean;
}

/** Finds what an agent should do and what it should stop doing. */
export async function ordersForAgent({ database, clock }: Deps, asking: Asking): Promise<OrdersForAgent> {
  const waiting = await selectPending(database, asking.agentId, clock.now());
  const pending = waiting.filter(({ id }) => !asking.runningJobs.includes(id));
  const cancelJobs = await selectEnded(database, asking.agentId, asking.runningJobs);
  const hasNews = pending.some((job) => isNews(job, asking.sessionId, clock.now()));
  const orders: Order[] = [];
  for (const job of pending) orders.push(toOrder(job, await grantFor({ database, clock }, job)));
  return { orders, cancelJobs, isUrgent: hasNews || cancelJobs.length > 0 };
}

function isNews(job: PendingJob, sessionId: string, now: Date): boolean {
  if (job.delivered_at === null || job.delivered_session_id !== sessionId) return true;
  return now.getTime() - job.delivered_at.getTime() >= redeliverAfterMs;
}

/** Notes that the orders are on their way to the agent's session. */
export async function markDelivered(
  { database, clock }: Deps,
  asking: Asking,
  orders: readonly Order[],
): Promise<void> {
  if (orders.length === 0) return;
  const ids = orders.map(({ job_id }) => job_id);
  await database
    .updateTable("jobs")
    .set({ delivered_at: clock.now(), delivered_session_id: asking.sessionId })
    .where("id", "in", ids)
    .execute();
}

/** Keeps the jobs alive that their agent says it runs. */
export async function renewLeases({ database, clock }: Deps, asking: Asking): Promise<void> {
  if (asking.runningJobs.length === 0) return;
  await database
    .updateTable("jobs")
    .set({ lease_expires_at: leaseFrom(clock.now()) })
    .where("agent_id", "=", asking.agentId)
    .where("id", "in", asking.runningJobs)
    .where("state", "=", "running")
    .execute();
}
