import { createTenantResponse, session, tenant, tenantList } from "@saveos/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../../testing/api-client.ts";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { accept } from "../../testing/people.ts";
import { type Credential, tenantFixture, type TenantFixture } from "../../testing/tenant-fixture.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";

let databases: TestDatabases;
let fresh: FreshServer;
let world: TenantFixture;

beforeAll(async () => {
  databases = await startTestDatabases();
  fresh = await startFreshServer(databases);
  world = await tenantFixture(fresh.server);
});
afterAll(async () => {
  await fresh[Symbol.asyncDispose]();
  await databases.stop();
});

const wanted = { name: "Branch", owner_email: "branch@example.com" };

async function create(by: Credential) {
  return await world.call(by, "POST", "/api/v1/tenants", wanted);
}

async function onlyTenantOf(who: Credential) {
  const { tenants } = tenantList.parse((await world.call(who, "GET", "/api/v1/tenants")).body);
  expect(tenants).toHaveLength(1);
  return tenants[0]!;
}

test("an owner of the server's first tenant makes one, whose own owner then joins it", async () => {
  const made = createTenantResponse.parse((await create(world.people.owner)).body);
  const owner = await accept(world.url, made.invitation.token);
  const shown = session.parse((await world.call(owner, "GET", "/api/v1/session")).body);
  expect(shown).toMatchObject({ tenant: { id: made.tenant.id, name: "Branch", role: "owner" }, tenants: [{}] });
  expect(await onlyTenantOf(owner)).toEqual(made.tenant);
});

test("nobody else makes one: no administrator, no owner of another tenant, no key without that scope", async () => {
  expect((await create(world.people.administrator)).status).toBe(403);
  expect(await create(world.stranger)).toMatchObject({
    status: 403,
    body: { detail: "New tenants are made by owners of the server's first tenant." },
  });
  expect((await create({ bearer: (await world.newKey("owner", ["tenants:read"])).key })).status).toBe(403);
});

test("another tenant is not there: it can be neither read nor renamed, not even by who made it", async () => {
  const theirs = await onlyTenantOf(world.stranger);
  for (const who of [world.people.owner, { bearer: (await world.newKey("owner")).key }]) {
    expect((await world.call(who, "GET", `/api/v1/tenants/${theirs.id}`)).status).toBe(404);
    expect((await world.call(who, "PATCH", `/api/v1/tenants/${theirs.id}`, { name: "Mine" })).status).toBe(404);
  }
  expect((await onlyTenantOf(world.stranger)).name).toBe("Other");
});

test("of two who rename a tenant at once, the one who saw an older version is refused", async () => {
  const path = `/api/v1/tenants/${world.tenantId}`;
  const etag = (await world.call(world.people.owner, "GET", path)).headers.get("etag") ?? "";
  const rename = async (name: string, ifMatch: string) => {
    const headers = { cookie: world.people.owner.cookie, "if-match": ifMatch };
    return await send(world.url, "PATCH", path, { headers, body: { name } });
  };
  const answers = await Promise.all([rename("One", etag), rename("Two", etag)]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
  const renamed = answers.find(({ status }) => status === 200)!;
  expect(await onlyTenantOf(world.people.owner)).toEqual(tenant.parse(renamed.body));
  expect((await rename("Three", renamed.headers.get("etag") ?? "")).status).toBe(200);
});
