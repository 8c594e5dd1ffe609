import { apiKeyList, createApiKeyResponse, type Permission, type Role } from "@saveos/contract";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { type Credential, tenantFixture, type TenantFixture } from "../../testing/tenant-fixture.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";

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

interface Wanted {
  readonly role: Role;
  readonly scopes?: readonly Permission[];
  readonly expires_in_days?: number;
}

async function create(by: Credential, wanted: Wanted) {
  return await world.call(by, "POST", "/api/v1/api-keys", { name: "test", ...wanted });
}

async function newKey(wanted: Wanted, by: Credential = world.people.owner) {
  const { api_key, key } = createApiKeyResponse.parse((await create(by, wanted)).body);
  return { id: api_key.id, bearer: key };
}

async function statusOf(who: Credential, path = "/api/v1/agents"): Promise<number> {
  return (await world.call(who, "GET", path)).status;
}

test("a key may do at most what its maker may", async () => {
  const { administrator } = world.people;
  expect((await create(administrator, { role: "owner" })).status).toBe(403);
  expect((await create(administrator, { role: "administrator" })).status).toBe(201);
  const ofAdministrator = await newKey({ role: "administrator" }, administrator);
  expect((await create(ofAdministrator, { role: "owner" })).status).toBe(403);
  expect((await create(world.people.operator, { role: "viewer" })).status).toBe(403);
});

test("scopes cut a key down, and never widen its role", async () => {
  const narrow = await newKey({ role: "owner", scopes: ["agents:read"] });
  expect(await statusOf(narrow)).toBe(200);
  expect(await statusOf(narrow, "/api/v1/jobs")).toBe(403);
  const viewer = await newKey({ role: "viewer", scopes: ["agents:read", "users:read"] });
  expect(await statusOf(viewer)).toBe(200);
  expect(await statusOf(viewer, "/api/v1/users")).toBe(403);
});

test("a key that is cut down makes no wider one", async () => {
  const maker = await newKey({ role: "owner", scopes: ["api-keys:change", "agents:read"] });
  expect((await create(maker, { role: "viewer" })).status).toBe(403);
  expect((await create(maker, { role: "viewer", scopes: ["agents:read", "jobs:read"] })).status).toBe(403);
  const made = await newKey({ role: "viewer", scopes: ["agents:read"] }, maker);
  expect(await statusOf(made)).toBe(200);
  const readOnly = await newKey({ role: "owner", scopes: ["api-keys:read"] });
  expect((await create(readOnly, { role: "viewer", scopes: ["api-keys:read"] })).status).toBe(403);
});

test("a revoked key opens nothing from the next request on, and revoking it again is fine", async () => {
  const key = await newKey({ role: "viewer" });
  expect(await statusOf(key)).toBe(200);
  const revoke = async () => (await world.call(world.people.owner, "DELETE", `/api/v1/api-keys/${key.id}`)).status;
  expect(await revoke()).toBe(204);
  expect(await statusOf(key)).toBe(401);
  expect(await revoke()).toBe(204);
});

test("a key that has run out opens nothing", async () => {
  const key = await newKey({ role: "viewer", expires_in_days: 1 });
  clock.advance({ hours: 23, minutes: 59 });
  expect(await statusOf(key)).toBe(200);
  clock.advance({ minutes: 1 });
  expect(await statusOf(key)).toBe(401);
});

test("another tenant's key can be neither seen nor revoked", async () => {
  const { id } = await newKey({ role: "viewer" }, world.stranger);
  expect((await world.call(world.people.owner, "GET", `/api/v1/api-keys/${id}`)).status).toBe(404);
  expect((await world.call(world.people.owner, "DELETE", `/api/v1/api-keys/${id}`)).status).toBe(404);
});

test("a key sees its own tenant and nothing of another", async () => {
  const theirs = await newKey({ role: "owner" }, world.stranger);
  await world.newAgent("ours");
  const { body } = await world.call(theirs, "GET", "/api/v1/agents");
  expect(body).toMatchObject({ agents: [] });
});

test("the key is shown once: it is nowhere in the lists, the audit or the whole database", async () => {
  const { id, bearer } = await newKey({ role: "administrator" });
  await statusOf({ bearer });
  const random = bearer.slice(-43);
  for (const path of ["/api/v1/api-keys?limit=500", `/api/v1/api-keys/${id}`, "/api/v1/audit?limit=500"]) {
    const { status, body } = await world.call(world.people.owner, "GET", path);
    expect(status).toBe(200);
    expect(JSON.stringify(body)).toContain(id);
    expect(JSON.stringify(body)).not.toContain(random);
  }
  const { rows } = await sql<{ name: string }>`
    select table_schema || '.' || table_name as name from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`.execute(
    fresh.fresh.owner,
  );
  for (const { name } of rows) {
    const found = await sql`select from ${sql.table(name)} as t where strpos(t::text, ${random}) > 0`.execute(
      fresh.fresh.owner,
    );
    expect(found.rows, name).toEqual([]);
  }
});

test("the list comes in pages, oldest first, the revoked ones too", async () => {
  const before = await listAll();
  clock.advance({ seconds: 1 });
  const made = [await newKey({ role: "viewer" }), await newKey({ role: "viewer" }), await newKey({ role: "viewer" })];
  await world.call(world.people.owner, "DELETE", `/api/v1/api-keys/${made[1]?.id}`);
  const after = await listAll();
  expect(after.slice(0, before.length).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  // Made within one moment of the test's clock, so sorted by their ids.
  expect(after.slice(before.length).map(({ id }) => id)).toEqual(made.map(({ id }) => id).toSorted());
  expect(after.find(({ id }) => id === made[1]?.id)?.revoked_at).toBe(clock.now().toISOString());
});

async function listAll() {
  const found = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const path: string = `/api/v1/api-keys?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const page = apiKeyList.parse((await world.call(world.people.owner, "GET", path)).body);
    found.push(...page.api_keys);
    cursor = page.next_cursor;
  }
  return found;
}
