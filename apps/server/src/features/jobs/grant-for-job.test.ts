import type { Order } from "@saveos/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { StoredOrder } from "../../database/schema.ts";
import { type EnrolledAgent, enrolAgent } from "../../testing/enrol-agent.ts";
import { RememberingQueue } from "../../testing/remembering-queue.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { type FreshDatabase, startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { theServer } from "../audit/index.ts";
import { cancelJob } from "./cancel-job.ts";
import { endLostJobs } from "./end-lost-jobs.ts";
import { ordersForAgent } from "./orders-for-agent.ts";
import { queueJob } from "./queue-job.ts";
import { recordReports } from "./record-reports.ts";

let databases: TestDatabases;
let deps: FreshDatabase & { clock: TestClock; queue: RememberingQueue };
let agent: EnrolledAgent;

beforeAll(async () => {
  databases = await startTestDatabases();
}, 60_000);
afterAll(async () => await databases.stop(), 60_000);
beforeEach(async () => {
  deps = { ...(await databases.fresh()), clock: testClock(), queue: new RememberingQueue() };
  agent = await enrolAgent(deps);
});

function forgetOrder(changes: { readonly dry_run?: boolean } = {}): StoredOrder {
  return {
    kind: "forget",
    repository_id: agent.repositoryId,
    repository_path: `/restic/${agent.repositoryId}/`,
    sealed: null,
    dry_run: false,
    snapshot_ids: ["ab".repeat(32)],
    plan_id: null,
    ...changes,
  };
}

async function give(): Promise<Order[]> {
  const asking = { agentId: agent.agentId, sessionId: "00000000-0000-4000-8000-000000000000", runningJobs: [] };
  return (await ordersForAgent(deps, asking)).orders;
}

async function grants() {
  return await deps.database.selectFrom("deletion_grants").selectAll().execute();
}

async function audited(action: string) {
  return await deps.database.selectFrom("audit_events").select("details").where("action", "=", action).execute();
}

test("an order that deletes is given with a grant, which no other order has and no table keeps", async () => {
  const jobId = await queueJob(deps, { agentId: agent.agentId, order: forgetOrder() });
  deps.clock.advance({ seconds: 1 });
  await queueJob(deps, { agentId: agent.agentId, order: forgetOrder({ dry_run: true }) });
  deps.clock.advance({ seconds: 1 });
  await queueJob(deps, { agentId: agent.agentId, order: { kind: "check", read_data_percent: 0 } });
  const [forget, dryRun, check] = await give();
  expect(forget).toMatchObject({ kind: "forget", grant: expect.stringMatching(/^saveos_grant_/) });
  expect(dryRun).toMatchObject({ kind: "forget", grant: null });
  expect(check).not.toHaveProperty("grant");
  expect(await grants()).toMatchObject([{ job_id: jobId, kind: "forget", names: ["ab".repeat(32)], ended_at: null }]);
  const secret = forget?.kind === "forget" ? (forget.grant ?? "").slice(-43) : "";
  const stored = await deps.database.selectFrom("jobs").select("order").execute();
  expect(JSON.stringify(stored)).not.toContain(secret);
});

test("given again it is the same grant with another token, and is written down once", async () => {
  await queueJob(deps, { agentId: agent.agentId, order: forgetOrder() });
  const tokens = new Set(
    [await give(), await give()].flat().map((order) => (order.kind === "forget" ? order.grant : "")),
  );
  expect(tokens.size).toBe(2);
  expect((await grants())[0]?.token_sha256s).toHaveLength(2);
  expect(await audited("deletion.granted")).toHaveLength(1);
  for (let time = 0; time < 20; time++) await give();
  expect((await grants())[0]?.token_sha256s).toHaveLength(10);
});

const endings: readonly (readonly [string, (jobId: string) => Promise<unknown>])[] = [
  ["is done", async (jobId) => await finish(jobId, "completed")],
  ["failed", async (jobId) => await finish(jobId, "failed")],
  ["was cancelled", async (jobId) => await cancelJob(deps, theServer, jobId)],
  [
    "was lost",
    async (jobId) => {
      const started = { kind: "started", job_id: jobId, sequence: 0, at: deps.clock.now().toISOString() } as const;
      await recordReports(deps, { tenantId: deps.tenantId, agentId: agent.agentId }, [started]);
      deps.clock.advance({ minutes: 16 });
      await endLostJobs(deps);
    },
  ],
];

async function finish(jobId: string, outcome: "completed" | "failed"): Promise<void> {
  const at = deps.clock.now().toISOString();
  const finished = { kind: "finished", job_id: jobId, sequence: 1, at, outcome } as const;
  await recordReports(deps, { tenantId: deps.tenantId, agentId: agent.agentId }, [finished]);
}

test.each(endings)("the grant of a job that %s is over, and what it deleted is written down", async (_how, end) => {
  const jobId = await queueJob(deps, { agentId: agent.agentId, order: forgetOrder() });
  await give();
  await end(jobId);
  expect((await grants())[0]?.ended_at).not.toBeNull();
  expect(await audited("deletion.ended")).toMatchObject([{ details: { job_id: jobId, deleted_objects: 0 } }]);
});
