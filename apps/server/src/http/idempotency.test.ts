import { randomUUID } from "node:crypto";
import { apiKeyList, planList, userList } from "@saveos/contract";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../testing/api-client.ts";
import { type FreshServer, startFreshServer } from "../testing/fresh-server.ts";
import { type Credential, headersOf, tenantFixture, type TenantFixture } from "../testing/tenant-fixture.ts";
import { type TestClock, testClock } from "../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../testing/test-databases.ts";
import { cleanUp } from "../features/housekeeping/index.ts";

let databases: TestDatabases;
let fresh: FreshServer;
let clock: TestClock;
let world: TenantFixture;

beforeAll(async () => {
  databases = await startTestDatabases();
  clock = testClock(new Date().toISOString());
  fresh = await startFreshServer(databases, { clock });
  world = await tenantFixture(fresh.server);
});
afterAll(async () => {
  await fresh[Symbol.asyncDispose]();
  await databases.stop();
});

async function post(key: string, path: string, body: object, who: Credential = world.people.owner) {
  return await send(world.url, "POST", path, { headers: { ...headersOf(who), "idempotency-key": key }, body });
}

async function plansNamed(name: string): Promise<number> {
  const { plans } = planList.parse((await world.call(world.people.owner, "GET", "/api/v1/plans?limit=100")).body);
  return plans.filter((plan) => plan.name === name).length;
}

const planBody = (name: string) => ({ name, paths: ["/home"] });

test("a request that comes again with its key gets the same answer, and makes nothing", async () => {
  const [key, body] = [randomUUID(), planBody("again")];
  const first = await post(key, "/api/v1/plans", body);
  const second = await post(key, "/api/v1/plans", body);
  expect(first.status).toBe(201);
  expect(second).toMatchObject({ status: 201, body: first.body });
  expect(second.headers.get("location")).toBe(first.headers.get("location"));
  expect(await plansNamed("again")).toBe(1);
});

test("without a key, each request makes something", async () => {
  for (let i = 0; i < 2; i += 1) await world.call(world.people.owner, "POST", "/api/v1/plans", planBody("each"));
  expect(await plansNamed("each")).toBe(2);
});

test("those that come at the same moment make one thing, and all get its answer", async () => {
  const [key, body] = [randomUUID(), planBody("at once")];
  const answers = await Promise.all(Array.from({ length: 8 }, async () => await post(key, "/api/v1/plans", body)));
  expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
  expect(answers[0]?.status).toBe(201);
  expect(await plansNamed("at once")).toBe(1);
});

test("a job is ordered once, and answered with 202 each time", async () => {
  const agent = await world.newAgent("machine");
  const [key, body] = [randomUUID(), { agent_id: agent.agentId, paths: ["/home"] }];
  const answers = [await post(key, "/api/v1/backup", body), await post(key, "/api/v1/backup", body)];
  expect(answers.map(({ status }) => status)).toEqual([202, 202]);
  expect(answers[1]?.body).toEqual(answers[0]?.body);
});

test("the same key on another body or another address is a mistake", async () => {
  const key = randomUUID();
  await post(key, "/api/v1/plans", planBody("first"));
  expect(await post(key, "/api/v1/plans", planBody("second"))).toMatchObject({ status: 422, body: { status: 422 } });
  expect((await post(key, "/api/v1/users", { email: "a@example.com", role: "viewer" })).status).toBe(422);
  expect(await plansNamed("second")).toBe(0);
});

test("a request that was refused leaves its key free", async () => {
  const key = randomUUID();
  expect((await post(key, "/api/v1/plans", { ...planBody("free"), agent_ids: [randomUUID()] })).status).toBe(400);
  expect((await post(key, "/api/v1/plans", planBody("free"))).status).toBe(201);
});

test("keys of different callers have nothing to do with each other", async () => {
  const [key, body] = [randomUUID(), planBody("apart")];
  const callers = [world.people.owner, world.people.administrator, world.stranger];
  const answers = [];
  for (const who of [...callers, { bearer: (await world.newKey("administrator")).key }]) {
    answers.push(await post(key, "/api/v1/plans", body, who));
  }
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(new Set(answers.map(({ headers }) => headers.get("location"))).size).toBe(4);
});

test.each([
  ["/api/v1/api-keys", { name: "secret", role: "viewer" }, /^\/api\/v1\/api-keys\//],
  ["/api/v1/agents/provision", { hostname: "secret" }, /^\/api\/v1\/agents\//],
  ["/api/v1/tenants", { name: "Secret", owner_email: "s@example.com" }, /^\/api\/v1\/tenants\//],
  ["/api/v1/users", { email: "secret@example.com", role: "viewer" }, undefined],
])("what %s shows once is never kept: a repeat learns where it is, and no more", async (path, body, location) => {
  const key = randomUUID();
  const first = await post(key, path, body);
  expect(first.status).toBe(201);
  const again = await post(key, path, body);
  expect(again.status).toBe(409);
  if (location !== undefined) expect(again.headers.get("location")).toMatch(location);
  expect(again.headers.get("location")).toBe(first.headers.get("location"));
  const { rows } = await sql<{ body: unknown }>`select body from idempotency_keys where key = ${key}`.execute(
    fresh.fresh.owner,
  );
  expect(rows).toEqual([{ body: null }]);
});

test("what was made with a key at the same moment is made once, though its secret is shown to one", async () => {
  const key = randomUUID();
  const body = { name: "one of many", role: "viewer" };
  const answers = await Promise.all(Array.from({ length: 5 }, async () => await post(key, "/api/v1/api-keys", body)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409]);
  const listed = await world.call(world.people.owner, "GET", "/api/v1/api-keys?limit=500");
  expect(apiKeyList.parse(listed.body).api_keys.filter(({ name }) => name === "one of many")).toHaveLength(1);
  expect(userList.parse((await world.call(world.people.owner, "GET", "/api/v1/users")).body).users).toHaveLength(4);
});

test.each(["", "a".repeat(201)])("a key that is no key is refused: %j", async (key) => {
  expect((await post(key, "/api/v1/plans", planBody("refused"))).status).toBe(400);
});

test("a day later the answer is forgotten, and the key makes something new", async () => {
  const [key, body] = [randomUUID(), planBody("forgotten")];
  await post(key, "/api/v1/plans", body);
  clock.advance({ hours: 24, minutes: 1 });
  await cleanUp({ databases: fresh.fresh.databases, clock });
  expect((await post(key, "/api/v1/plans", body)).status).toBe(201);
  expect(await plansNamed("forgotten")).toBe(2);
});
