import { randomUUID } from "node:crypto";
import { planRequest, type Schedule } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { KeyCaller } from "../../access/caller.ts";
import { type EnrolledAgent, enrolAgent } from "../../testing/enrol-agent.ts";
import { RememberingQueue } from "../../testing/remembering-queue.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { type FreshDatabase, startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { agentChanged } from "../agents/index.ts";
import { theServer } from "../audit/index.ts";
import { revokeAgent } from "../agents/revoke-agent.ts";
import { recordReports } from "../jobs/record-reports.ts";
import { createPlan, deletePlan, replacePlan } from "./change-plan.ts";
import { planChanged, planRuns } from "./plan-runs.ts";
import { previewPlan } from "./preview-runs.ts";
import { reviveOverdueRuns } from "./revive-overdue-runs.ts";
import { listSkippedRuns } from "./skipped-runs.ts";
import { startPlannedRun } from "./start-planned-run.ts";
import { startPlannedRuns } from "./start-planned-runs.ts";

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
  agent = await enrolAgent(deps, { tags: ["laptop"] });
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

const hourly: Schedule = { kind: "cron", expression: "0 * * * *", spread_minutes: 0 };
const nightly: Schedule = { kind: "daily", from: "01:00", to: "04:00" };

function request(changes: Partial<z.input<typeof planRequest>> = {}) {
  return planRequest.parse({ name: "plan", paths: ["/home"], schedule: hourly, agent_tags: ["laptop"], ...changes });
}

async function makePlan(changes: Partial<z.input<typeof planRequest>> = {}): Promise<string> {
  const id = await createPlan(deps, asking, request(changes));
  await doDueTasks();
  return id;
}

/** Does what a worker does at this moment. */
async function doDueTasks(): Promise<void> {
  for (const each of deps.queue.take(agentChanged, deps.clock.now())) await planRuns(deps, each);
  for (const each of deps.queue.take(planChanged, deps.clock.now())) await planRuns(deps, each);
  await startPlannedRuns(deps, deps.queue.take(startPlannedRun, deps.clock.now()));
}

/** Lets time pass minute by minute, with a worker that works. */
async function pass({ hours }: { hours: number }): Promise<void> {
  for (let minutes = 0; minutes < hours * 60; minutes += 1) {
    deps.clock.advance({ minutes: 1 });
    if (deps.queue.entries.some(({ at }) => at === undefined || at <= deps.clock.now())) await doDueTasks();
  }
}

async function jobs() {
  return await deps.database.selectFrom("jobs").selectAll().orderBy("requested_at").execute();
}

/** The machine does what it was ordered, at once. */
async function finishJobs(): Promise<void> {
  for (const { id, agent_id, state } of await jobs()) {
    if (state !== "pending" && state !== "running") continue;
    const at = deps.clock.now().toISOString();
    const finished = { kind: "finished", job_id: id, sequence: 5, at, outcome: "completed" } as const;
    await recordReports(deps, { tenantId: deps.tenantId, agentId: agent_id }, [finished]);
  }
}

async function planned() {
  return await deps.database.selectFrom("planned_runs").select(["agent_id", "due_at"]).orderBy("agent_id").execute();
}

const skipped = async (planId: string) => (await listSkippedRuns(deps.database, planId, { limit: 500 })).skipped_runs;

test("a plan is for the agents that carry its tag and for those that it names, and for no others", async () => {
  const named = await enrolAgent(deps, { hostname: "named" });
  await enrolAgent(deps, { hostname: "other", tags: ["server"] });
  await makePlan({ agent_ids: [named.agentId] });
  expect((await planned()).map(({ agent_id }) => agent_id)).toEqual([agent.agentId, named.agentId].toSorted());
});

test("a machine that comes later gets the plans of its tags", async () => {
  await makePlan();
  const later = await enrolAgent(deps, { hostname: "later", tags: ["laptop"] });
  await planRuns(deps, { tenantId: deps.tenantId, agentId: later.agentId });
  expect(await planned()).toHaveLength(2);
});

test("a run that is due becomes a job with what the plan says, and the next one is planned", async () => {
  const planId = await makePlan({ presets: ["home"], excludes: ["*.tmp"], snapshot_tags: ["hourly"] });
  expect(await planned()).toMatchObject([{ due_at: new Date("2030-01-01T13:00:00Z") }]);
  await pass({ hours: 1 });
  expect(await jobs()).toMatchObject([
    {
      plan_id: planId,
      agent_id: agent.agentId,
      state: "pending",
      due_at: new Date("2030-01-01T13:00:00Z"),
      requested_by: null,
      order: { kind: "backup", paths: ["/home"], paths_if_present: ["/home", "/root"], tags: ["hourly"] },
    },
  ]);
  expect(await planned()).toMatchObject([{ due_at: new Date("2030-01-01T14:00:00Z") }]);
});

test("a task that is done twice starts one job", async () => {
  await makePlan();
  deps.clock.advance({ hours: 1 });
  const due = deps.queue.take(startPlannedRun, deps.clock.now());
  await Promise.all([startPlannedRuns(deps, due), startPlannedRuns(deps, due)]);
  await startPlannedRuns(deps, due);
  expect(await jobs()).toHaveLength(1);
});

test("a machine that is away for three days catches up once, and the runs that it missed say why", async () => {
  const planId = await makePlan();
  await pass({ hours: 72 });
  expect(await jobs()).toHaveLength(1);
  expect(await skipped(planId)).toHaveLength(71);
  expect((await skipped(planId))[0]).toMatchObject({
    agent_id: agent.agentId,
    due_at: "2030-01-04T12:00:00.000Z",
    reason: expect.stringContaining("still waits for the machine"),
  });
  await finishJobs();
  await pass({ hours: 1 });
  expect(await jobs()).toHaveLength(2);
});

test("a run that would overlap itself is skipped, with the reason", async () => {
  const planId = await makePlan();
  await pass({ hours: 1 });
  const [first] = await jobs();
  const at = deps.clock.now().toISOString();
  await recordReports(deps, agent, [{ kind: "started", job_id: first?.id ?? "", sequence: 0, at }]);
  await pass({ hours: 1 });
  expect(await jobs()).toHaveLength(1);
  expect((await skipped(planId)).map(({ reason }) => reason)).toEqual(["The run before it hadn't ended yet."]);
});

test("a server that was away for two days starts what it missed once", async () => {
  await makePlan();
  deps.clock.advance({ hours: 48 });
  await doDueTasks();
  expect(await jobs()).toHaveLength(1);
  expect(await planned()).toMatchObject([{ due_at: new Date("2030-01-03T13:00:00Z") }]);
});

test("a clock that is set back by hours doesn't run anything twice", async () => {
  await makePlan();
  await pass({ hours: 3 });
  await finishJobs();
  deps.clock.advance({ hours: -2 });
  await pass({ hours: 2 });
  expect(await jobs()).toHaveLength(1);
  await pass({ hours: 1 });
  expect(await jobs()).toHaveLength(2);
});

test("a run that is started by a clock that was just set back is not planned a second time", async () => {
  await makePlan();
  deps.clock.advance({ hours: 1 });
  const due = deps.queue.take(startPlannedRun, deps.clock.now());
  deps.clock.advance({ minutes: -30 });
  await startPlannedRuns(deps, due);
  expect(await planned()).toMatchObject([{ due_at: new Date("2030-01-01T14:00:00Z") }]);
});

test("a plan that is changed runs by its new schedule only", async () => {
  const planId = await makePlan();
  await replacePlan(deps, asking, planId, request({ schedule: { kind: "cron", expression: "30 15 * * *" } }));
  await pass({ hours: 24 });
  expect(await jobs()).toMatchObject([{ due_at: new Date("2030-01-01T15:30:00Z") }]);
});

test("a plan that is disabled, deleted or only for hand use runs nothing", async () => {
  const [disabled, deleted, byHand] = [await makePlan(), await makePlan(), await makePlan({ schedule: null })];
  await replacePlan(deps, asking, disabled, request({ enabled: false }));
  await deletePlan(deps, asking, deleted);
  await pass({ hours: 3 });
  expect(await jobs()).toEqual([]);
  expect(await planned()).toEqual([]);
  expect((await previewPlan(deps, byHand)).runs).toEqual([]);
});

test("an agent that loses the tag or is revoked runs the plan no more", async () => {
  await makePlan();
  const other = await enrolAgent(deps, { hostname: "other", tags: ["laptop"] });
  await planRuns(deps, other);
  await deps.database.updateTable("agents").set({ tags: [] }).where("id", "=", agent.agentId).execute();
  await planRuns(deps, { tenantId: deps.tenantId, agentId: agent.agentId });
  await revokeAgent(deps, deps.tenantId, theServer, other.agentId);
  await pass({ hours: 2 });
  expect(await jobs()).toEqual([]);
});

test("runs go by each machine's own clock", async () => {
  const tokyo = await enrolAgent(deps, { hostname: "tokyo", tags: ["laptop"], timeZone: "Asia/Tokyo" });
  await makePlan({ schedule: { kind: "cron", expression: "0 3 * * *" } });
  await pass({ hours: 24 });
  const dueAt = new Map((await jobs()).map(({ agent_id, due_at }) => [agent_id, due_at?.toISOString()]));
  expect(dueAt.get(agent.agentId)).toBe("2030-01-02T03:00:00.000Z");
  expect(dueAt.get(tokyo.agentId)).toBe("2030-01-01T18:00:00.000Z");
});

test("a nightly run comes once a night through both changes of daylight saving", async () => {
  const paris = await enrolAgent(deps, { hostname: "paris", timeZone: "Europe/Paris" });
  const schedule = { kind: "cron", expression: "30 2 * * *" } as const;
  const planId = await makePlan({ schedule, agent_tags: [], agent_ids: [paris.agentId] });
  for (const [from, nights] of [
    ["2030-03-29T12:00:00Z", 4],
    ["2030-10-25T12:00:00Z", 4],
  ] as const) {
    deps.clock.advance({ seconds: (Date.parse(from) - deps.clock.now().getTime()) / 1000 });
    await doDueTasks();
    await finishJobs();
    await deps.database.deleteFrom("jobs").execute();
    for (let hour = 0; hour < nights * 24; hour += 1) {
      await pass({ hours: 1 });
      await finishJobs();
    }
    const days = (await jobs()).map(({ due_at }) => due_at?.toLocaleDateString("en", { timeZone: "Europe/Paris" }));
    expect(new Set(days).size).toBe(nights);
    expect(days).toHaveLength(nights);
  }
  expect(await skipped(planId)).toEqual([]);
});

test("a machine that moves to another zone runs by the clock there", async () => {
  await makePlan({ schedule: { kind: "cron", expression: "0 3 * * *" } });
  await deps.database
    .updateTable("agents")
    .set({ time_zone: "America/New_York" })
    .where("id", "=", agent.agentId)
    .execute();
  await planRuns(deps, { tenantId: deps.tenantId, agentId: agent.agentId });
  expect(await planned()).toMatchObject([{ due_at: new Date("2030-01-02T08:00:00Z") }]);
  await pass({ hours: 24 });
  expect(await jobs()).toHaveLength(1);
});

test("a zone that means nothing here doesn't keep a machine from its backups", async () => {
  await deps.database
    .updateTable("agents")
    .set({ time_zone: "SystemV/PST8" })
    .where("id", "=", agent.agentId)
    .execute();
  await makePlan();
  await pass({ hours: 1 });
  expect(await jobs()).toHaveLength(1);
});

test("the preview tells what then happens", async () => {
  const planId = await makePlan({ schedule: nightly });
  const { runs } = await previewPlan(deps, planId);
  expect(runs).toHaveLength(7);
  const started: string[] = [];
  for (let hour = 0; hour < 7 * 24; hour += 1) {
    await pass({ hours: 1 });
    await finishJobs();
  }
  started.push(...(await jobs()).map(({ due_at }) => due_at?.toISOString() ?? ""));
  expect(started).toEqual(runs.map(({ at }) => at));
});

test("a thousand machines that are due in one window are spread over it, and each has its job within it", async () => {
  const owner = deps.database;
  const template = await owner
    .selectFrom("agents")
    .selectAll()
    .where("id", "=", agent.agentId)
    .executeTakeFirstOrThrow();
  const { version: _version, ...row } = template;
  const more = Array.from({ length: 999 }, (_each, i) => ({ ...row, id: randomUUID(), hostname: `machine-${i}` }));
  await owner.insertInto("agents").values(more).execute();
  await makePlan({ schedule: { kind: "daily", from: "20:00", to: "21:00" } });
  const [opens, closes] = [Date.parse("2030-01-01T20:00:00Z"), Date.parse("2030-01-01T21:00:00Z")];
  const perMinute = new Map<number, number>();
  for (const { due_at } of await planned()) {
    const minute = Math.floor((due_at.getTime() - opens) / 60_000);
    perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
  }
  expect(perMinute.size).toBe(60);
  expect(Math.max(...perMinute.values())).toBeLessThan(50);
  await pass({ hours: 9 });
  const requested = (await jobs()).map(({ requested_at }) => requested_at.getTime());
  expect(requested).toHaveLength(1000);
  expect(Math.min(...requested)).toBeGreaterThanOrEqual(opens);
  expect(Math.max(...requested)).toBeLessThanOrEqual(closes);
});

test("a run whose task was lost is found and started", async () => {
  await makePlan();
  deps.queue.entries.length = 0;
  deps.clock.advance({ hours: 1, minutes: 11 });
  await reviveOverdueRuns(deps);
  await doDueTasks();
  expect(await jobs()).toHaveLength(1);
});
