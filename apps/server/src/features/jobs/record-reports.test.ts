import type { Report } from "@saveos/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type EnrolledAgent, enrolAgent } from "../../testing/enrol-agent.ts";
import { RememberingQueue } from "../../testing/remembering-queue.ts";
import { summaryOf } from "../../testing/summary-of.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { type FreshDatabase, startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { cancelJobsOfAgent, endLostJobs } from "./end-lost-jobs.ts";
import { renewLeases } from "./orders-for-agent.ts";
import { findJob, listJobs, listLog, selectPending } from "./queries.ts";
import { theServer } from "../audit/index.ts";
import { cancelJob } from "./cancel-job.ts";
import { offerJob } from "./retry-failed-job.ts";
import { pendingJobsMax, queueJob } from "./queue-job.ts";
import { recordReports } from "./record-reports.ts";

let databases: TestDatabases;
let deps: FreshDatabase & { clock: TestClock; queue: RememberingQueue };
let agent: EnrolledAgent;
let jobId: string;

beforeAll(async () => {
  databases = await startTestDatabases();
}, 60_000);
afterAll(async () => await databases.stop(), 60_000);
beforeEach(async () => {
  deps = { ...(await databases.fresh()), clock: testClock(), queue: new RememberingQueue() };
  agent = await enrolAgent(deps);
  jobId = await queueJob(deps, { agentId: agent.agentId, order });
});

const order = {
  kind: "backup" as const,
  paths: ["/home"],
  paths_if_present: [],
  excludes: [],
  tags: [],
  hooks: { before: [], after: [] },
  bandwidth: [],
};
const at = "2030-01-01T12:00:00Z";
const snapshotId = "ab".repeat(32);

const started = (sequence = 0): Report => ({ kind: "started", job_id: jobId, sequence, at });
const progress = (sequence: number, files: number): Report => ({
  kind: "progress",
  job_id: jobId,
  sequence,
  at,
  progress: { files_done: files, bytes_done: files * 10 },
});
const finished = (
  sequence: number,
  outcome: "completed" | "partial" | "failed" | "cancelled" = "completed",
): Report => ({
  kind: "finished",
  job_id: jobId,
  sequence,
  at,
  outcome,
  summary: summaryOf(snapshotId),
});
const record = async (...reports: Report[]) => await recordReports(deps, agent, reports);
const job = async () => await findJob(deps.database, jobId);

test("a job runs from its first report to its last", async () => {
  expect((await job())?.state).toBe("pending");
  await record(started());
  expect(await job()).toMatchObject({ state: "running", started_at: deps.clock.now() });
  await record(progress(1, 5));
  expect(await job()).toMatchObject({ state: "running", progress: { files_done: 5, bytes_done: 50 } });
  deps.clock.advance({ minutes: 1 });
  await record(finished(2, "partial"));
  expect(await job()).toMatchObject({
    state: "partial",
    finished_at: deps.clock.now(),
    lease_expires_at: null,
    snapshot_id: snapshotId,
    summary: { snapshot_id: snapshotId },
  });
});

test("a report that is sent twice counts once", async () => {
  const reports = [started(0), progress(1, 5)];
  expect(await record(...reports)).toEqual({ recorded: 2, ignored: 0 });
  expect(await record(...reports, finished(2))).toEqual({ recorded: 1, ignored: 2 });
  expect(await record(finished(2, "failed"))).toEqual({ recorded: 0, ignored: 1 });
  expect((await job())?.state).toBe("completed");
});

test("progress that arrives late, or after the end, changes nothing", async () => {
  await record(started(0), progress(5, 50));
  expect(await record(progress(4, 40))).toEqual({ recorded: 0, ignored: 1 });
  await record(finished(6));
  const ended = await job();
  expect(await record(progress(7, 70), started(8))).toEqual({ recorded: 0, ignored: 2 });
  expect(await job()).toEqual(ended);
});

test("the end of a job whose beginning was never told is recorded all the same", async () => {
  await record(finished(3));
  expect(await job()).toMatchObject({ state: "completed", started_at: deps.clock.now() });
});

test("an agent can't report on the job of another", async () => {
  const other = await enrolAgent(deps, { hostname: "other" });
  expect(await recordReports(deps, other, [started(), finished(1)])).toEqual({ recorded: 0, ignored: 2 });
  expect((await job())?.state).toBe("pending");
});

test("a report on a job that the server doesn't know is ignored, and those beside it count", async () => {
  const unknown: Report = { ...started(), job_id: crypto.randomUUID() };
  expect(await record(unknown, started())).toEqual({ recorded: 1, ignored: 1 });
});

test("a job whose agent falls silent is ended as failed, with the reason, when its lease is over", async () => {
  await record(started());
  deps.clock.advance({ minutes: 15 });
  expect(await endLostJobs(deps)).toEqual([]);
  deps.clock.advance({ seconds: 1 });
  expect(await endLostJobs(deps)).toEqual([jobId]);
  expect(await job()).toMatchObject({ state: "failed", reason: expect.stringContaining("15 minutes") });
  expect(await endLostJobs(deps)).toEqual([]);
});

test("progress keeps a job alive, and so does a heartbeat that names it", async () => {
  await record(started());
  deps.clock.advance({ minutes: 14 });
  await record(progress(1, 1));
  deps.clock.advance({ minutes: 14 });
  await renewLeases(deps, { agentId: agent.agentId, sessionId: "any", runningJobs: [jobId] });
  deps.clock.advance({ minutes: 14 });
  expect(await endLostJobs(deps)).toEqual([]);
});

test("a job that waits for an absent machine is never lost", async () => {
  deps.clock.advance({ hours: 24 * 365 });
  expect(await endLostJobs(deps)).toEqual([]);
  expect((await job())?.state).toBe("pending");
});

test("cancelling ends what waits and what runs, and leaves what has ended", async () => {
  await record(finished(1));
  const running = await queueJob(deps, { agentId: agent.agentId, order });
  await record({ ...started(), job_id: running });
  const waiting = await queueJob(deps, { agentId: agent.agentId, order });
  await cancelJobsOfAgent(deps, agent.agentId, "no more");
  expect((await findJob(deps.database, running))?.state).toBe("cancelled");
  expect((await findJob(deps.database, waiting))?.state).toBe("cancelled");
  expect((await job())?.state).toBe("completed");
});

test("no more than a hundred jobs wait for one agent", async () => {
  for (let waiting = 1; waiting < pendingJobsMax; waiting += 1) await queueJob(deps, { agentId: agent.agentId, order });
  await expect(queueJob(deps, { agentId: agent.agentId, order })).rejects.toMatchObject({ status: 409 });
});

test("jobs are listed newest first, page by page, for one agent or for all", async () => {
  const other = await enrolAgent(deps, { hostname: "other" });
  const ids = [jobId];
  for (let i = 0; i < 4; i += 1) {
    deps.clock.advance({ seconds: 1 });
    ids.unshift(await queueJob(deps, { agentId: i === 1 ? other.agentId : agent.agentId, order }));
  }
  const page = async (query: Parameters<typeof listJobs>[1]) => await listJobs(deps.database, query);
  const first = await page({ limit: 3 });
  expect(first.jobs.map(({ id }) => id)).toEqual(ids.slice(0, 3));
  const rest = await page({ limit: 3, cursor: first.next_cursor ?? "" });
  expect(rest).toMatchObject({ jobs: ids.slice(3).map((id) => ({ id })), next_cursor: null });
  expect((await page({ limit: 10, agent_id: other.agentId })).jobs.map(({ id }) => id)).toEqual([ids[2]]);
});

const failed = (sequence: number, error: "store-unavailable" | "wrong-password"): Report => ({
  kind: "finished",
  job_id: jobId,
  sequence,
  at,
  outcome: "failed",
  error,
});

test("a failure that may pass by itself is tried again later, ever later, and three times at most", async () => {
  const delays: number[] = [];
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    await record(started(), failed(1, "store-unavailable"));
    const retry = await deps.database.selectFrom("jobs").selectAll().where("retry_of", "=", jobId).executeTakeFirst();
    if (attempt === 4) expect(retry).toBeUndefined();
    if (retry === undefined) break;
    expect(retry).toMatchObject({ state: "pending", attempt: attempt + 1, order });
    delays.push(((retry.not_before?.getTime() ?? 0) - deps.clock.now().getTime()) / 60_000);
    expect(await selectPending(deps.database, agent.agentId, deps.clock.now())).toEqual([]);
    deps.clock.advance({ minutes: delays.at(-1) ?? 0 });
    expect(deps.queue.take(offerJob, deps.clock.now())).toEqual([{ tenantId: agent.tenantId, agentId: agent.agentId }]);
    expect(await selectPending(deps.database, agent.agentId, deps.clock.now())).toMatchObject([{ id: retry.id }]);
    jobId = retry.id;
  }
  expect(delays).toEqual([1, 5, 25]);
});

test("a failure that would be the same again is not tried again", async () => {
  await record(started(), failed(1, "wrong-password"));
  expect(await job()).toMatchObject({ state: "failed", error: "wrong-password" });
  expect((await listJobs(deps.database, { limit: 10 })).jobs).toHaveLength(1);
});

test("a job that was lost with its agent is tried again when the agent is back", async () => {
  await record(started());
  deps.clock.advance({ minutes: 16 });
  await endLostJobs(deps);
  expect(await job()).toMatchObject({ state: "failed", error: "agent-lost" });
  deps.clock.advance({ minutes: 1 });
  expect(await selectPending(deps.database, agent.agentId, deps.clock.now())).toHaveLength(1);
});

test("the log of a job is kept in the order in which it was told, each line once", async () => {
  const lines = (sequence: number, ...texts: string[]): Report => ({
    kind: "log",
    job_id: jobId,
    sequence,
    at,
    lines: texts.map((text) => ({ at, level: "info", text })),
  });
  await record(started(), lines(1, "a", "b"), progress(2, 1), lines(3, "c"));
  await record(lines(1, "a", "b"), lines(3, "c"));
  const first = await listLog(deps.database, jobId, { limit: 2 });
  expect(first.lines.map(({ text }) => text)).toEqual(["a", "b"]);
  const rest = await listLog(deps.database, jobId, { limit: 2, cursor: first.next_cursor ?? "" });
  expect(rest).toMatchObject({ lines: [{ text: "c" }], next_cursor: null });
});

test("a cancelled job ends at once, and what its agent still tells about it changes nothing", async () => {
  await record(started());
  expect(await cancelJob(deps, theServer, jobId)).toMatchObject({ state: "cancelled" });
  expect(await record(finished(1))).toEqual({ recorded: 0, ignored: 1 });
  await expect(cancelJob(deps, theServer, jobId)).rejects.toMatchObject({ status: 409 });
  await expect(cancelJob(deps, theServer, crypto.randomUUID())).rejects.toMatchObject({ status: 404 });
});
