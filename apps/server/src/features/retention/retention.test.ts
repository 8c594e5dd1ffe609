import { createHash, randomUUID } from "node:crypto";
import { type JobSummary, planRequest, type Retention } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { KeyCaller } from "../../access/caller.ts";
import { type EnrolledAgent, enrolAgent } from "../../testing/enrol-agent.ts";
import { RememberingQueue } from "../../testing/remembering-queue.ts";
import { summaryOf } from "../../testing/summary-of.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { type FreshDatabase, startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { theServer } from "../audit/index.ts";
import { jobEnded, queueJob } from "../jobs/index.ts";
import { recordReports } from "../jobs/record-reports.ts";
import { createPlan, replacePlan } from "../plans/change-plan.ts";
import { isRemovable } from "../plans/index.ts";
import { estimateRetention, previewRetention } from "../plans/preview-retention.ts";
import { afterJobs } from "./apply-retention.ts";
import { decideHeld, listHeld } from "./held-deletions.ts";

let databases: TestDatabases;
let deps: FreshDatabase & { clock: TestClock; queue: RememberingQueue };
let agent: EnrolledAgent;
let asking: { caller: KeyCaller; request: FastifyRequest };

beforeAll(async () => {
  databases = await startTestDatabases();
}, 60_000);
afterAll(async () => await databases.stop(), 60_000);
beforeEach(async () => {
  deps = { ...(await databases.fresh()), clock: testClock("2030-01-01T12:00:00Z"), queue: new RememberingQueue() };
  agent = await enrolAgent(deps);
  const caller = {
    kind: "api-key",
    tenantId: deps.tenantId,
    role: "owner",
    keyId: randomUUID(),
    name: "test",
    scopes: undefined,
  } as const;
  asking = { caller, request: { headers: {}, ip: "127.0.0.1" } as FastifyRequest };
});

const request = (retention: Retention) => planRequest.parse({ name: "plan", paths: ["/home"], retention });

async function makePlan(retention: Retention): Promise<string> {
  return await createPlan(deps, asking, request(retention));
}

const snapshotId = (name: string) => createHash("sha256").update(name).digest("hex");

/** The machine stores a snapshot in its own repository, now or at another time. */
async function store(
  name: string,
  { at = deps.clock.now(), by = agent.agentId }: { readonly at?: Date; readonly by?: string | null } = {},
): Promise<string> {
  const id = snapshotId(name);
  await deps.database
    .insertInto("objects")
    .values({
      repository_id: agent.repositoryId,
      kind: "snapshots",
      name: id,
      size_bytes: 100,
      stored_at: at,
      stored_by_agent: by,
      last_verified_at: at,
      deleting_since: null,
      missing_since: null,
    })
    .execute();
  return id;
}

/** Ends a job as its agent does. */
async function end(jobId: string, summary: JobSummary): Promise<void> {
  const at = deps.clock.now().toISOString();
  const finished = { kind: "finished", job_id: jobId, sequence: 5, at, outcome: "completed", summary } as const;
  await recordReports(deps, { tenantId: deps.tenantId, agentId: agent.agentId }, [finished]);
}

/** A run of a plan that ends well and tells of a snapshot; `null`: a run that somebody asked for. */
async function runPlan(planId: string | null, told: string): Promise<string> {
  const nothing = { paths_if_present: [], excludes: [], tags: [], hooks: { before: [], after: [] }, bandwidth: [] };
  const order = { kind: "backup" as const, paths: ["/home"], ...nothing };
  const jobId = await queueJob(deps, { agentId: agent.agentId, order, planId: planId ?? undefined });
  await end(jobId, summaryOf(told));
  return jobId;
}

/** So many runs of a plan, a day apart, the newest last. */
async function backUp(planId: string, count: number, name = "daily"): Promise<string[]> {
  const ids = [];
  for (let day = 0; day < count; day++) {
    deps.clock.advance({ hours: 24 });
    const id = await store(`${name} ${day} ${planId}`);
    await runPlan(planId, id);
    ids.push(id);
  }
  return ids;
}

/** What a worker does after jobs have ended. */
async function work(): Promise<void> {
  await afterJobs(deps, deps.queue.take(jobEnded, deps.clock.now()));
}

async function jobsOf(kind: "forget" | "prune") {
  return await deps.database.selectFrom("jobs").selectAll().where("kind", "=", kind).orderBy("requested_at").execute();
}

async function named(): Promise<string[]> {
  return (await jobsOf("forget")).flatMap(({ order }) => (order.kind === "forget" ? order.snapshot_ids : []));
}

test("after a plan's backup a job forgets exactly what its retention removes", async () => {
  const planId = await makePlan({ keep_last: 8 });
  const ids = await backUp(planId, 10);
  await work();
  expect(await jobsOf("forget")).toMatchObject([
    { state: "pending", agent_id: agent.agentId, plan_id: planId, repository_id: agent.repositoryId },
  ]);
  expect(await named()).toEqual(ids.slice(0, 2));
});

test("a plan that keeps all, one that is off, and a backup that no plan ran remove nothing", async () => {
  const keepsAll = await makePlan({});
  await backUp(keepsAll, 6);
  const off = await makePlan({ keep_last: 5 });
  await replacePlan(deps, asking, off, { ...request({ keep_last: 5 }), enabled: false });
  await backUp(off, 6);
  await runPlan(null, await store("by hand"));
  await work();
  expect(await jobsOf("forget")).toEqual([]);
});

test("one job at a time: runs that end while one waits, and a task that is done twice, add none", async () => {
  const planId = await makePlan({ keep_last: 5 });
  await backUp(planId, 6);
  const ended = deps.queue.take(jobEnded, deps.clock.now());
  for (let time = 0; time < 2; time++) await afterJobs(deps, ended);
  await Promise.all([afterJobs(deps, ended), afterJobs(deps, ended)]);
  expect(await jobsOf("forget")).toHaveLength(1);
});

test("a flood of forged snapshots pushes no real one out", async () => {
  const planId = await makePlan({ keep_last: 5 });
  const ids = await backUp(planId, 5);
  // The machine was taken over: it stores what it likes, at any time, and tells of all of it in one job, or of the same in many.
  for (let count = 0; count < 50; count++) await store(`forged ${count}`);
  await runPlan(null, snapshotId("forged 1"));
  await runPlan(planId, snapshotId("forged 1"));
  await runPlan(planId, ids[0] ?? "");
  await runPlan(planId, "f".repeat(64));
  await work();
  expect(await jobsOf("forget")).toEqual([]);
});

test("a snapshot of another job, another machine or another time is not the plan's, whoever says so", async () => {
  const planId = await makePlan({ keep_last: 3 });
  await backUp(planId, 3);
  const byHand = await store("by hand");
  await runPlan(null, byHand);
  const old = await store("old", { at: new Date("2029-06-01T00:00:00Z") });
  const foreign = await store("foreign", { by: null });
  for (const told of [byHand, old, foreign]) await runPlan(planId, told);
  deps.clock.advance({ hours: 24 });
  await work();
  expect(await jobsOf("forget")).toEqual([]);
  expect((await previewRetention(deps.database, { planId, agentId: agent.agentId })).keep).toHaveLength(3);
});

test("three snapshots of the repository stay, the newest", async () => {
  const planId = await makePlan({ keep_last: 1 });
  const ids = await backUp(planId, 5);
  await work();
  expect(await named()).toEqual(ids.slice(0, 2));
});

test("more than half of a machine's snapshots are not forgotten before a person has said so, and then exactly those", async () => {
  const planId = await makePlan({ keep_last: 5 });
  const ids = await backUp(planId, 12);
  await work();
  expect(await jobsOf("forget")).toEqual([]);
  const [held] = (await listHeld(deps.database, { limit: 10 })).held_deletions;
  expect(held).toMatchObject({ plan_id: planId, snapshots: 12, snapshot_ids: ids.slice(0, 7), decision: null });
  // Later runs don't ask again.
  await backUp(planId, 1, "later");
  await work();
  expect((await listHeld(deps.database, { limit: 10 })).held_deletions).toHaveLength(1);

  const decided = await decideHeld(deps, { kind: "user", id: "1", name: "Ann" }, held?.id ?? "", "approved");
  expect(decided).toMatchObject({ decision: "approved", decided_by: "Ann", job_id: (await jobsOf("forget"))[0]?.id });
  expect(await named()).toEqual(ids.slice(0, 7));
  await expect(decideHeld(deps, theServer, held?.id ?? "", "rejected")).rejects.toMatchObject({ status: 409 });
});

test("half of them, or five, go without a question", async () => {
  const half = await makePlan({ keep_last: 6 });
  await backUp(half, 12);
  const five = await makePlan({ keep_last: 1 });
  await backUp(five, 6);
  await work();
  expect(new Set((await jobsOf("forget")).map(({ plan_id }) => plan_id))).toEqual(new Set([half, five]));
});

test("what was rejected stays until the plan changes: then it is worked out anew", async () => {
  const planId = await makePlan({ keep_last: 5 });
  await backUp(planId, 12);
  await work();
  const [held] = (await listHeld(deps.database, { limit: 10 })).held_deletions;
  await decideHeld(deps, theServer, held?.id ?? "", "rejected");
  await backUp(planId, 1, "later");
  await work();
  expect((await listHeld(deps.database, { limit: 10 })).held_deletions).toHaveLength(1);
  expect(await jobsOf("forget")).toEqual([]);

  await replacePlan(deps, asking, planId, request({ keep_last: 6 }));
  await backUp(planId, 1, "latest");
  await work();
  const [again] = (await listHeld(deps.database, { limit: 10 })).held_deletions;
  expect([again?.decision, again?.snapshot_ids.length]).toEqual([null, 8]);
  // And what waited for a decision about another state of the plan can't be approved any more.
  await replacePlan(deps, asking, planId, request({ keep_last: 7 }));
  await expect(decideHeld(deps, theServer, again?.id ?? "", "approved")).rejects.toMatchObject({ status: 409 });
});

const forgot = (removed: number) => ({ snapshots_kept: 5, snapshots_removed: removed, snapshots_absent: 0 });
const pruned = { packs_deleted: 1, packs_repacked: 0, bytes_freed: 100, bytes_unused: 0 };

test("after a forget that removed something a prune follows, once a week", async () => {
  const planId = await makePlan({ keep_last: 5 });
  const forget = async (removed: number) => {
    await backUp(planId, 1, `run ${removed} at ${deps.clock.now().toISOString()}`);
    await work();
    const [job] = (await jobsOf("forget")).filter(({ state }) => state === "pending");
    if (job === undefined) throw new Error("nothing was to be forgotten");
    if (removed > 0)
      await deps.database
        .deleteFrom("objects")
        .where("name", "in", await named())
        .execute();
    await end(job.id, forgot(removed));
    await work();
  };
  await backUp(planId, 6);
  await forget(0);
  expect(await jobsOf("prune")).toEqual([]);
  await forget(1);
  const [first] = await jobsOf("prune");
  expect(first).toMatchObject({ repository_id: agent.repositoryId, order: { dry_run: false, max_delete_percent: 50 } });
  // One that waits, and one that was done lately, are enough.
  await forget(1);
  await end(first?.id ?? "", pruned);
  await forget(1);
  expect(await jobsOf("prune")).toHaveLength(1);
  deps.clock.advance({ hours: 7 * 24 });
  await forget(1);
  expect(await jobsOf("prune")).toHaveLength(2);
});

test("what a plan keeps at the moment of a deletion is not removable, whatever an order said", async () => {
  const planId = await makePlan({ keep_last: 4 });
  const ids = await backUp(planId, 6);
  await work();
  const [job] = await jobsOf("forget");
  const removable = async (id: string) =>
    await isRemovable(deps.database, { planId, jobId: job?.id ?? "", snapshotId: id });
  expect(await Promise.all(ids.map(removable))).toEqual([true, true, false, false, false, false]);
  await replacePlan(deps, asking, planId, request({ keep_last: 5 }));
  expect(await Promise.all(ids.map(removable))).toEqual([true, false, false, false, false, false]);
  expect(await isRemovable(deps.database, { planId, jobId: null, snapshotId: ids[0] ?? "" })).toBe(false);
});

test("a retention is tried out before a plan is saved with it, and a dry run tells what it frees", async () => {
  const planId = await makePlan({});
  const ids = await backUp(planId, 4);
  const byHand = await store("by hand");
  const wanted = { agentId: agent.agentId, planId, retention: { keep_last: 3 } };
  const { keep, remove } = await previewRetention(deps.database, wanted);
  expect(keep.map(({ snapshot_id, reasons }) => [snapshot_id, reasons.length])).toEqual(
    ids
      .slice(1)
      .toReversed()
      .map((id) => [id, 1]),
  );
  expect(remove.map(({ snapshot_id }) => snapshot_id)).toEqual(ids.slice(0, 1));
  const asIfNew = await previewRetention(deps.database, { agentId: agent.agentId, retention: { keep_last: 1 } });
  expect(asIfNew.keep.map(({ snapshot_id }) => snapshot_id)).toEqual([byHand]);
  expect(asIfNew.remove).toHaveLength(4);

  await estimateRetention(deps, wanted, "user:1");
  const [job] = await jobsOf("prune");
  expect(job?.order).toMatchObject({ dry_run: true, without_snapshot_ids: ids.slice(0, 1) });
});
