import type { Kysely } from "kysely";
import { callerId, type Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { notFound } from "../../http/problem.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { queueJob, unfinishedJobOfPlan } from "../jobs/index.ts";
import { backupOrderOf } from "./backup-order-of.ts";
import { findPlan, selectPairs } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** More machines than these are run by the schedule, which spreads them. */
const agentsMax = 1000;
/** A machine with more plans gets the rest by its schedule. */
const plansMax = 50;

/** Runs a plan now, on all machines that have it but those that run it already. */
export async function runPlan({ database, clock }: Deps, caller: Operator, by: Actor, planId: string) {
  return await inTransaction(database, async (transaction) => {
    const plan = await findPlan(transaction, planId);
    if (plan === undefined) throw notFound("plan");
    const jobIds: string[] = [];
    const skipped: { agent_id: string; reason: string }[] = [];
    for (const { agent_id, content, platform } of await selectPairs(transaction, { planId }, { limit: agentsMax })) {
      if ((await unfinishedJobOfPlan(transaction, planId, agent_id)) === undefined) {
        const job = {
          agentId: agent_id,
          order: backupOrderOf(content, platform),
          planId,
          requestedBy: callerId(caller),
        };
        jobIds.push(await queueJob({ database: transaction, clock }, job));
      } else skipped.push({ agent_id, reason: "It runs the plan already, or is about to." });
    }
    const subject = { kind: "plan", id: planId, name: plan.name };
    await recordAudit(transaction, clock, { by, action: "plan.run", subject, details: { jobs: jobIds.length } });
    return { job_ids: jobIds, skipped };
  });
}

/** Runs all plans of a machine now, but those that it runs already. A plan that is switched off stays so. */
export async function runPlansOf({ database, clock }: Deps, agentId: string): Promise<void> {
  await inTransaction(database, async (transaction) => {
    for (const { plan_id, enabled, content, platform } of await selectPairs(
      transaction,
      { agentId },
      { limit: plansMax },
    )) {
      if (!enabled || (await unfinishedJobOfPlan(transaction, plan_id, agentId)) !== undefined) continue;
      const order = backupOrderOf(content, platform);
      await queueJob({ database: transaction, clock }, { agentId, order, planId: plan_id });
    }
  });
}
