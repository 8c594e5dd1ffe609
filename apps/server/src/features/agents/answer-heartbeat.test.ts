import { randomUUID } from "node:crypto";
import { type HeartbeatRequest, problemType } from "@saveos/contract";
import type { Kysely } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { AgentCaller } from "../../access/caller.ts";
import { type AgentLink, createAgentLink } from "../../agent-link/agent-link.ts";
import { type Notifications, openNotifications } from "../../agent-link/notifications.ts";
import { type Databases, openDatabases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { type EnrolledAgent, enrolAgent } from "../../testing/enrol-agent.ts";
import { RememberingQueue } from "../../testing/remembering-queue.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { theServer } from "../audit/index.ts";
import { queueJob } from "../jobs/queue-job.ts";
import { recordReports } from "../jobs/record-reports.ts";
import { agentChanged } from "./agent-changed.ts";
import { answerHeartbeat } from "./answer-heartbeat.ts";
import { forgetOldSessions } from "./enter-session.ts";
import { findAgent } from "./queries.ts";
import { revokeAgent } from "./revoke-agent.ts";

/** Far longer than any test may take: who gets an answer before this was woken. */
const longWait = 30;

interface Process {
  readonly databases: Databases;
  readonly tenantId: string;
  readonly queue: RememberingQueue;
  readonly database: Kysely<Database>;
  readonly clock: TestClock;
  readonly link: AgentLink;
  readonly onIdentityConflict: (agentId: string) => void;
}

let databases: TestDatabases;
let deps: Process;
/** Another process of the server on the same database. */
let otherProcess: Process;
let agent: EnrolledAgent;
let notifications: Notifications[];
let conflicts: string[];

beforeAll(async () => {
  databases = await startTestDatabases();
}, 60_000);
afterAll(async () => await databases.stop(), 60_000);

beforeEach(async () => {
  const { address, tenantId } = await databases.fresh();
  const clock = testClock();
  conflicts = [];
  notifications = [];
  const startProcess = async (): Promise<Process> => {
    const heard = await openNotifications({ address, log: { warn: () => {} } });
    notifications.push(heard);
    const link = createAgentLink(heard);
    const opened = openDatabases(address);
    return {
      databases: opened,
      tenantId,
      queue: new RememberingQueue(),
      database: opened.ofTenant(tenantId),
      clock,
      link,
      onIdentityConflict: (agentId) => void conflicts.push(agentId),
    };
  };
  deps = await startProcess();
  otherProcess = await startProcess();
  agent = await enrolAgent(deps);
});

afterEach(async () => {
  for (const heard of notifications) await heard[Symbol.asyncDispose]();
  await deps.databases[Symbol.asyncDispose]();
  await otherProcess.databases[Symbol.asyncDispose]();
});

const session = randomUUID();
const nothingMore = {
  paths_if_present: [],
  excludes: [],
  tags: [],
  hooks: { before: [], after: [] },
  bandwidth: [],
};
const order = { kind: "backup" as const, paths: ["/home"], ...nothingMore };
const neverHangsUp = new AbortController().signal;

function heartbeat(changes: Partial<HeartbeatRequest> = {}): HeartbeatRequest {
  return {
    hostname: "machine",
    agent_version: "0.1.0",
    machine_id: agent.machineId,
    session_id: session,
    time_zone: "UTC",
    running_jobs: [],
    wait_seconds: 0,
    ...changes,
  };
}

const beat = async (changes: Partial<HeartbeatRequest> = {}, signal = neverHangsUp, on = deps) =>
  await answerHeartbeat(on, caller(), heartbeat(changes), signal);

const caller = (): AgentCaller => ({
  kind: "agent",
  tenantId: agent.tenantId,
  agentId: agent.agentId,
  repositoryId: agent.repositoryId,
  name: "machine",
  credentialId: randomUUID(),
  credentialCreatedAt: credentialFrom ?? deps.clock.now(),
});
let credentialFrom: Date | undefined;

/** Resolves once a heartbeat waits: a wake-up before that would prove nothing. */
async function untilWaiting(process = deps): Promise<void> {
  await expect.poll(() => process.link.waiting, { interval: 5 }).toBeGreaterThan(0);
  // Its look into the database is over when a query sent after it is answered on a pool that it has left.
  await process.database.selectFrom("jobs").select("id").execute();
}

const conflict = { status: 409, type: problemType.identityConflict };

test("without an order a heartbeat that doesn't wait is answered at once, and the agent is seen", async () => {
  expect(await beat()).toEqual({
    server_time: deps.clock.now().toISOString(),
    orders: [],
    cancel_jobs: [],
    next_heartbeat_seconds: 30,
    rotate_credential: false,
  });
  expect((await findAgent(deps.database, agent.agentId))?.last_seen_at).toEqual(deps.clock.now());
});

test("an order that waits is answered at once", async () => {
  const jobId = await queueJob(deps, { agentId: agent.agentId, order });
  expect((await beat({ wait_seconds: longWait })).orders).toEqual([{ ...order, job_id: jobId }]);
});

test("an order wakes the agent that waits, also when another process takes the order", async () => {
  for (const process of [deps, otherProcess]) {
    const answer = beat({ wait_seconds: longWait });
    await untilWaiting();
    const jobId = await queueJob(process, { agentId: agent.agentId, order });
    expect((await answer).orders.map(({ job_id }) => job_id)).toContain(jobId);
    await deps.database.deleteFrom("jobs").execute();
  }
});

test("an order for one agent doesn't wake another", async () => {
  const other = await enrolAgent(deps, { hostname: "other" });
  const answer = beat({ wait_seconds: 0.5 });
  await untilWaiting();
  await queueJob(deps, { agentId: other.agentId, order });
  expect((await answer).orders).toEqual([]);
});

test("an order is repeated until its job has begun, and doesn't end a wait twice", async () => {
  const jobId = await queueJob(deps, { agentId: agent.agentId, order });
  await beat();
  const begun = performance.now();
  const repeated = await beat({ wait_seconds: 0.2 });
  expect(performance.now() - begun).toBeGreaterThanOrEqual(190);
  expect(repeated.orders.map(({ job_id }) => job_id)).toEqual([jobId]);
  await recordReports(deps, agent, [
    { kind: "started", job_id: jobId, sequence: 0, at: deps.clock.now().toISOString() },
  ]);
  expect((await beat()).orders).toEqual([]);
});

test("an order that got lost on the way comes again at once to a restarted agent", async () => {
  const jobId = await queueJob(deps, { agentId: agent.agentId, order });
  await beat();
  const restarted = await beat({ session_id: randomUUID(), wait_seconds: longWait });
  expect(restarted.orders.map(({ job_id }) => job_id)).toEqual([jobId]);
});

test("a job that the agent has taken into its own queue is not ordered again", async () => {
  const jobId = await queueJob(deps, { agentId: agent.agentId, order });
  expect((await beat({ running_jobs: [jobId] })).orders).toEqual([]);
});

test("an agent that runs a job which has ended, or was never its own, is told to stop it", async () => {
  const mine = await queueJob(deps, { agentId: agent.agentId, order });
  const at = deps.clock.now().toISOString();
  await recordReports(deps, agent, [
    { kind: "finished", job_id: mine, sequence: 1, at, outcome: "failed", reason: "stopped" },
  ]);
  const unknown = randomUUID();
  const answer = await beat({ running_jobs: [mine, unknown], wait_seconds: longWait });
  expect(answer.cancel_jobs).toEqual([mine, unknown]);
  expect(answer.next_heartbeat_seconds).toBe(5);
});

test("an agent that was killed and starts again is let in at once", async () => {
  await beat();
  await expect(beat({ session_id: randomUUID() })).resolves.toBeDefined();
  await expect(beat({ session_id: randomUUID() })).resolves.toBeDefined();
  expect(conflicts).toEqual([]);
});

test("of two copies with one identity the older is refused as soon as it speaks, and the conflict is noted", async () => {
  const [original, clone] = [randomUUID(), randomUUID()];
  await beat({ session_id: original });
  await beat({ session_id: clone });
  await expect(beat({ session_id: original })).rejects.toMatchObject(conflict);
  await expect(beat({ session_id: clone })).resolves.toBeDefined();
  expect(conflicts).toEqual([agent.agentId]);
  expect((await findAgent(deps.database, agent.agentId))?.identity_conflict_at).toEqual(deps.clock.now());
});

test("a copy that waits in a heartbeat is refused the moment another one starts", async () => {
  const waiting = expect(beat({ session_id: randomUUID(), wait_seconds: longWait })).rejects.toMatchObject(conflict);
  await untilWaiting();
  await beat({ session_id: randomUUID() }, neverHangsUp, otherProcess);
  await waiting;
});

test("a credential that was carried to another machine is refused there and goes on working at home", async () => {
  await beat();
  await expect(beat({ machine_id: "stolen" })).rejects.toMatchObject(conflict);
  await expect(beat()).resolves.toBeDefined();
});

test("a revoked agent is sent away in the middle of its wait", async () => {
  const waiting = expect(beat({ wait_seconds: longWait })).rejects.toMatchObject({ status: 401 });
  await untilWaiting();
  await revokeAgent(otherProcess, agent.tenantId, theServer, agent.agentId);
  await waiting;
});

test("an agent that hangs up is waited for no longer, and its order is kept for the next time", async () => {
  const hangUp = new AbortController();
  const answer = beat({ wait_seconds: longWait }, hangUp.signal);
  await untilWaiting();
  hangUp.abort();
  await answer;
  expect(deps.link.waiting).toBe(0);
  const jobId = await queueJob(deps, { agentId: agent.agentId, order });
  await beat({}, AbortSignal.abort());
  expect((await beat({ wait_seconds: longWait })).orders.map(({ job_id }) => job_id)).toEqual([jobId]);
});

test("a server that stops answers all who wait", async () => {
  const answer = beat({ wait_seconds: longWait });
  await untilWaiting();
  deps.link.close();
  expect((await answer).orders).toEqual([]);
  await expect(beat({ wait_seconds: longWait })).resolves.toBeDefined();
});

test("sessions that were replaced long ago are forgotten", async () => {
  await beat({ session_id: randomUUID() });
  await beat({ session_id: session });
  deps.clock.advance({ hours: 24 * 8 });
  expect(await forgetOldSessions(deps)).toBe(1);
  await expect(beat({ session_id: session })).resolves.toBeDefined();
});

test("an agent whose credential is older than a month is told to ask for a new one", async () => {
  credentialFrom = deps.clock.now();
  deps.clock.advance({ hours: 24 * 30 - 1 });
  expect((await beat()).rotate_credential).toBe(false);
  deps.clock.advance({ hours: 1 });
  expect((await beat()).rotate_credential).toBe(true);
  credentialFrom = undefined;
});

test("a machine that comes to another time zone has its plans worked out anew", async () => {
  await beat();
  expect(deps.queue.entries).toEqual([]);
  await beat({ time_zone: "Europe/Paris" });
  expect(deps.queue.take(agentChanged, deps.clock.now())).toEqual([
    { tenantId: agent.tenantId, agentId: agent.agentId },
  ]);
  expect((await findAgent(deps.database, agent.agentId))?.time_zone).toBe("Europe/Paris");
});
