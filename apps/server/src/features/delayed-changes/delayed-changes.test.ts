import {
  auditList,
  type DelayedChange,
  delayedChangeList,
  liveEvent,
  type Plan,
  plan as planSchema,
  type Retention,
  tenant as tenantSchema,
} from "@saveos/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { RememberingQueue } from "../../testing/remembering-queue.ts";
import { tenantFixture, type TenantFixture } from "../../testing/tenant-fixture.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { applyRetention } from "../plans/index.ts";
import { applyQuarantineDays } from "../tenants/index.ts";
import { applyDelayedChange, applyDelayedChanges } from "./index.ts";

let clock: TestClock;
let databases: TestDatabases;
let server: FreshServer;
let world: TenantFixture;

beforeAll(async () => {
  clock = testClock(new Date().toISOString());
  databases = await startTestDatabases();
  server = await startFreshServer(databases, { clock });
  world = await tenantFixture(server.server);
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await databases.stop();
}, 60_000);

async function put(planId: string, retention: Retention): Promise<Plan> {
  const body = { name: "plan", paths: ["/home"], retention };
  return planSchema.parse((await world.call(world.people.administrator, "PUT", `/api/v1/plans/${planId}`, body)).body);
}

async function patchTenant(quarantine_days: number) {
  const path = `/api/v1/tenants/${world.tenantId}`;
  return tenantSchema.parse((await world.call(world.people.administrator, "PATCH", path, { quarantine_days })).body);
}

async function waiting(): Promise<DelayedChange[]> {
  const list = await world.call(world.people.owner, "GET", "/api/v1/delayed-changes");
  return delayedChangeList.parse(list.body).delayed_changes;
}

async function withdraw(id: string): Promise<number> {
  return (await world.call(world.people.owner, "DELETE", `/api/v1/delayed-changes/${id}`)).status;
}

/** What a worker does when a change is due. */
async function apply(changeId: string): Promise<RememberingQueue> {
  const queue = new RememberingQueue();
  const deps = { databases: server.fresh.databases, clock, queue };
  await applyDelayedChanges({ ...deps, apply: { retention: applyRetention, quarantine: applyQuarantineDays } }, [
    { tenantId: world.tenantId, changeId },
  ]);
  return queue;
}

async function newPlan(retention: Retention): Promise<string> {
  const body = { name: "plan", paths: ["/home"], retention };
  return planSchema.parse((await world.call(world.people.administrator, "POST", "/api/v1/plans", body)).body).id;
}

async function actions(): Promise<string[]> {
  const list = await world.call(world.people.owner, "GET", "/api/v1/audit?limit=500");
  return auditList.parse(list.body).events.map(({ action }) => action);
}

test("a shorter retention counts after a day and not before, and every administrator can see it coming", async () => {
  const planId = await world.newPlan();
  const wanted = { keep_daily: 7 };
  const changed = await put(planId, wanted);
  const appliesAt = new Date(clock.now().getTime() + 24 * 3_600_000).toISOString();
  expect(changed).toMatchObject({ retention: {}, pending_retention: { retention: wanted, applies_at: appliesAt } });
  const [change] = await waiting();
  expect(change).toMatchObject({
    change: { kind: "retention", plan_id: planId, from: {}, to: wanted },
    requested_by: "New Person",
    applies_at: appliesAt,
  });
  const id = change?.id ?? "";
  clock.advance({ hours: 23 });
  const early = await apply(id);
  expect(await waiting()).toHaveLength(1);
  expect(early.entries).toMatchObject([{ task: applyDelayedChange.name, at: new Date(appliesAt) }]);
  clock.advance({ hours: 1 });
  for (let time = 0; time < 2; time++) await apply(id);
  const shown = await world.call(world.people.viewer, "GET", `/api/v1/plans/${planId}`);
  expect(planSchema.parse(shown.body)).toMatchObject({ retention: wanted, pending_retention: null });
  expect(await waiting()).toEqual([]);
  expect(await actions()).toEqual(expect.arrayContaining(["change.delayed", "change.applied"]));
});

test("a longer retention counts at once, and overtakes a shorter one that waits", async () => {
  const planId = await newPlan({ keep_daily: 7 });
  expect(await put(planId, { keep_daily: 8 })).toMatchObject({ retention: { keep_daily: 8 }, pending_retention: null });
  await put(planId, { keep_daily: 3 });
  expect(await waiting()).toHaveLength(1);
  expect(await put(planId, {})).toMatchObject({ retention: {}, pending_retention: null });
  expect(await waiting()).toEqual([]);
});

test("asking for the same again doesn't begin the day anew, asking for something else does", async () => {
  const planId = await newPlan({ keep_daily: 7 });
  await put(planId, { keep_daily: 3 });
  const [first] = await waiting();
  clock.advance({ hours: 5 });
  await put(planId, { keep_daily: 3 });
  // As somebody does who changes something else of the plan.
  await put(planId, { keep_daily: 7 });
  expect(await waiting()).toEqual([first]);
  await put(planId, { keep_daily: 2 });
  const [second, ...others] = await waiting();
  expect(others).toEqual([]);
  expect(Date.parse(second?.applies_at ?? "") - Date.parse(first?.applies_at ?? "")).toBe(5 * 3_600_000);
  // The one that was replaced comes due, and is no more.
  clock.advance({ hours: 20 });
  await apply(first?.id ?? "");
  expect(await waiting()).toHaveLength(1);
  await withdraw(second?.id ?? "");
});

test("what was withdrawn never counts", async () => {
  const planId = await newPlan({ keep_daily: 7 });
  await put(planId, { keep_daily: 3 });
  const [change] = await waiting();
  expect(await withdraw(change?.id ?? "")).toBe(204);
  expect(await withdraw(change?.id ?? "")).toBe(404);
  clock.advance({ hours: 25 });
  await apply(change?.id ?? "");
  const shown = await world.call(world.people.viewer, "GET", `/api/v1/plans/${planId}`);
  expect(planSchema.parse(shown.body)).toMatchObject({ retention: { keep_daily: 7 }, pending_retention: null });
  expect(await actions()).toContain("change.withdrawn");
});

test("a plan that is removed takes with it what waited for it", async () => {
  const planId = await newPlan({ keep_daily: 7 });
  await put(planId, { keep_daily: 3 });
  await world.call(world.people.owner, "DELETE", `/api/v1/plans/${planId}`);
  expect(await waiting()).toEqual([]);
});

test("fewer days of quarantine count after a day, more at once", async () => {
  expect(await patchTenant(30)).toMatchObject({ quarantine_days: 30, pending_quarantine: null });
  const shortened = await patchTenant(7);
  expect(shortened).toMatchObject({ quarantine_days: 30, pending_quarantine: { quarantine_days: 7 } });
  const [change] = await waiting();
  expect(change?.change).toEqual({ kind: "quarantine", from: 30, to: 7 });
  clock.advance({ hours: 24 });
  await apply(change?.id ?? "");
  const shown = await world.call(world.people.owner, "GET", `/api/v1/tenants/${world.tenantId}`);
  expect(tenantSchema.parse(shown.body)).toMatchObject({ quarantine_days: 7, pending_quarantine: null });
  // Asked for more while less waits: nothing waits any more.
  await patchTenant(3);
  expect(await patchTenant(8)).toMatchObject({ quarantine_days: 8, pending_quarantine: null });
  for (const days of [0, 366, 1.5])
    expect(
      (await world.call(world.people.owner, "PATCH", `/api/v1/tenants/${world.tenantId}`, { quarantine_days: days }))
        .status,
    ).toBe(400);
});

test("two who change one plan at a time are told apart by its version, also where the change waits", async () => {
  const planId = await newPlan({ keep_daily: 7 });
  const { headers } = await world.call(world.people.owner, "GET", `/api/v1/plans/${planId}`);
  await put(planId, { keep_daily: 3 });
  const after = await world.call(world.people.owner, "GET", `/api/v1/plans/${planId}`);
  expect(after.headers.get("etag")).not.toBe(headers.get("etag"));
});

test("those who watch hear of changes that wait", async () => {
  const watch = new AbortController();
  const cookie = world.people.owner.cookie;
  const stream = await fetch(new URL("/api/v1/events", world.url), { headers: { cookie }, signal: watch.signal });
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  const planId = await world.newPlan();
  await put(planId, { keep_last: 3 });
  let text = "";
  while (!text.includes("delayed-change")) text += (await reader?.read())?.value ?? "";
  watch.abort();
  const [, data = ""] = /data: (.*delayed-change.*)/.exec(text) ?? [];
  expect(liveEvent.parse(JSON.parse(data)).type).toBe("delayed-change");
});
