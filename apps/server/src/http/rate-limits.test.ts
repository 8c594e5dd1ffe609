import { problem } from "@saveos/contract";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { makeSecret } from "../access/secrets.ts";
import type { Answer } from "../testing/api-client.ts";
import { type FreshServer, startFreshServer } from "../testing/fresh-server.ts";
import { type Credential, type FixtureAgent, tenantFixture, type TenantFixture } from "../testing/tenant-fixture.ts";
import { startTestDatabases, type TestDatabases } from "../testing/test-databases.ts";
import { limits } from "./rate-limits.ts";

let databases: TestDatabases;
let fresh: FreshServer;
let world: TenantFixture;
let agent: FixtureAgent;

beforeAll(async () => {
  databases = await startTestDatabases();
});
afterAll(async () => await databases.stop());
beforeEach(async () => {
  // The clock of the counters. Timers go on.
  vi.useFakeTimers({ toFake: ["Date"], now: new Date() });
  fresh = await startFreshServer(databases, { environment: { SAVEOS_RATE_LIMITS: "true" } });
  world = await tenantFixture(fresh.server);
  agent = await world.newAgent("machine");
  aMinutePasses();
});
afterEach(async () => {
  vi.useRealTimers();
  await fresh[Symbol.asyncDispose]();
});

function aMinutePasses(): void {
  vi.setSystemTime(Date.now() + 60_000);
}

/** Sends requests, some at a time, and gives how often each status was answered. */
async function flood(count: number, send: (i: number) => Promise<Answer>): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  let next = 0;
  const sendSome = async () => {
    while (next < count) {
      const { status } = await send((next += 1));
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 20 }, sendSome));
  return statuses;
}

async function get(who: Credential, path = "/api/v1/session"): Promise<Answer> {
  return await world.call(who, "GET", path);
}

test("a person has their limit, is told what is left, and goes on after a minute", async () => {
  const { viewer, operator } = world.people;
  // This process hears of them for the first time: a stranger.
  await get(viewer);
  expect((await get(viewer)).headers.get("ratelimit-remaining")).toBe(String(limits.user - 1));
  expect(await flood(limits.user, async () => await get(viewer))).toEqual({ 200: limits.user - 1, 429: 1 });
  const refused = await get(viewer);
  expect(problem.parse(refused.body)).toMatchObject({ status: 429, title: "Too Many Requests" });
  expect(refused.headers.get("content-type")).toBe("application/problem+json");
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    "ratelimit-limit": String(limits.user),
    "ratelimit-remaining": "0",
    "ratelimit-reset": "60",
    "retry-after": "60",
  });
  expect((await get(operator)).status, "another person at the same address").toBe(200);
  aMinutePasses();
  expect((await get(viewer)).status).toBe(200);
});

test("two sessions of a person count together", async () => {
  const again = await world.call(undefined, "POST", "/api/v1/session", {
    email: "viewer@example.com",
    password: "correct horse battery staple",
  });
  const cookie = again.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
  const left = async (who: Credential) => (await get(who)).headers.get("ratelimit-remaining");
  await Promise.all([left(world.people.viewer), left({ cookie })]);
  expect(await left(world.people.viewer)).toBe(String(limits.user - 1));
  expect(await left({ cookie })).toBe(String(limits.user - 2));
});

test("a key and an agent have limits of their own", async () => {
  const key = { bearer: (await world.newKey("viewer")).key };
  await get(key, "/api/v1/agents");
  expect((await get(key, "/api/v1/agents")).headers.get("ratelimit-limit")).toBe(String(limits["api-key"]));
  const path = `/api/v1/backup/${agent.agentId}/snapshots`;
  await get({ bearer: agent.credential }, path);
  const counted = await get({ bearer: agent.credential }, path);
  expect(counted.headers.get("ratelimit-limit")).toBe(String(limits.agent));
});

test("strangers have a limit by address, and who is known there isn't held up by them", async () => {
  const key = { bearer: (await world.newKey("viewer")).key };
  expect((await get(key, "/api/v1/agents")).status).toBe(200);
  const statuses = await flood(limits.stranger + 10, async () => await get(undefined, "/api/v1/agents"));
  expect(statuses[401]).toBeGreaterThan(limits.stranger - 10);
  expect(statuses[429]).toBeGreaterThanOrEqual(10);
  expect((await get(key, "/api/v1/agents")).status).toBe(200);
  expect((await get(world.people.owner)).status).toBe(200);
  aMinutePasses();
  expect((await get(undefined, "/api/v1/agents")).status).toBe(401);
});

test("a flood of wrong credentials no longer asks the database", async () => {
  const wrong = async () => await get({ bearer: makeSecret("key").text }, "/api/v1/agents");
  await flood(limits.stranger, wrong);
  await fresh.fresh.owner.transaction().execute(async (transaction) => {
    // Whoever looks for a key now would wait for the end of this.
    await sql`lock table api_keys in access exclusive mode`.execute(transaction);
    const refused = await wrong();
    expect(refused.status).toBe(429);
    expect(refused.headers.get("ratelimit-limit")).toBe(String(limits.stranger));
  });
});

test("a credential that was revoked counts as a stranger's", async () => {
  const { id, key } = await world.newKey("viewer");
  await get({ bearer: key }, "/api/v1/agents");
  await world.call(world.people.owner, "DELETE", `/api/v1/api-keys/${id}`);
  await get({ bearer: key }, "/api/v1/agents");
  const counted = await get({ bearer: key }, "/api/v1/agents");
  expect(counted.status).toBe(401);
  expect(counted.headers.get("ratelimit-limit")).toBe(String(limits.stranger));
});

test("what hashes a password has a tighter limit", async () => {
  const statuses = await flood(
    limits.password + 5,
    async () => await world.call(undefined, "POST", "/api/v1/session", {}),
  );
  expect(statuses).toEqual({ 400: limits.password, 429: 5 });
  expect((await get(undefined)).status).toBe(401);
});

test("health and the documentation have none, and neither have an agent's objects", async () => {
  const count = limits.stranger + 50;
  expect(await flood(count, async () => await get(undefined, "/health/live"))).toEqual({ 200: count });
  expect((await get(undefined, "/docs/json")).headers.get("ratelimit-limit")).toBeNull();
  const who = { bearer: agent.credential };
  await get(who, `/restic/${agent.repositoryId}/config`);
  const objects = await flood(count, async () => await get(who, `/restic/${agent.repositoryId}/config`));
  expect(objects).toEqual({ 404: count });
  expect((await get(who, `/restic/${agent.repositoryId}/config`)).headers.get("ratelimit-limit")).toBeNull();
});

test("strangers at the gateway are limited too", async () => {
  const path = `/restic/${agent.repositoryId}/config`;
  await flood(limits.stranger, async () => await get(undefined, path));
  expect((await get(undefined, path)).status).toBe(429);
  expect((await get({ bearer: agent.credential }, path)).status).toBe(429);
  aMinutePasses();
  expect((await get({ bearer: agent.credential }, path)).status).toBe(404);
});

test("a stream of events counts once", async () => {
  const left = async () => Number((await get(world.people.owner)).headers.get("ratelimit-remaining"));
  const before = await left();
  const hangUp = new AbortController();
  const headers = { cookie: world.people.owner.cookie };
  const { status } = await fetch(new URL("/api/v1/events", world.url), { headers, signal: hangUp.signal });
  expect(status).toBe(200);
  await world.newPlan();
  hangUp.abort();
  expect(await left()).toBe(before - 3);
});
