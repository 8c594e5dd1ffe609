import { type Role, session, user, userList } from "@saveos/contract";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../../testing/api-client.ts";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { joinAs, setUpServer, type SignedIn } from "../../testing/people.ts";
import { type Credential, tenantFixture, type TenantFixture } from "../../testing/tenant-fixture.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";

let databases: TestDatabases;
let fresh: FreshServer;
let world: TenantFixture;
let owner: SignedIn;
let administrator: SignedIn;

beforeAll(async () => {
  databases = await startTestDatabases();
  fresh = await startFreshServer(databases);
  world = await tenantFixture(fresh.server);
  ({ owner, administrator } = world.people);
});
afterAll(async () => {
  await fresh[Symbol.asyncDispose]();
  await databases.stop();
});

/** Somebody new of a role, and a way to act as them. */
async function newPerson(role: Role): Promise<{ readonly id: string; readonly who: SignedIn }> {
  const who = await joinAs(world.url, owner, role, `${crypto.randomUUID()}@example.com`);
  const shown = session.parse((await world.call(who, "GET", "/api/v1/session")).body);
  return { id: shown.user.id, who };
}

async function changeRole(by: Credential, id: string, role: Role): Promise<number> {
  return (await world.call(by, "PATCH", `/api/v1/users/${id}`, { role })).status;
}

async function remove(by: Credential, id: string): Promise<number> {
  return (await world.call(by, "DELETE", `/api/v1/users/${id}`)).status;
}

async function idOf(who: SignedIn): Promise<string> {
  return session.parse((await world.call(who, "GET", "/api/v1/session")).body).user.id;
}

test("a new role holds from the next request on", async () => {
  const { id, who } = await newPerson("viewer");
  expect((await world.call(who, "GET", "/api/v1/users")).status).toBe(403);
  expect(await changeRole(administrator, id, "administrator")).toBe(200);
  expect((await world.call(who, "GET", "/api/v1/users")).status).toBe(200);
});

test("who is taken out is out from the next request on", async () => {
  const { id, who } = await newPerson("administrator");
  expect((await world.call(who, "GET", "/api/v1/users")).status).toBe(200);
  expect(await remove(administrator, id)).toBe(204);
  for (const path of ["/api/v1/users", "/api/v1/session", "/api/v1/agents"]) {
    expect((await world.call(who, "GET", path)).status).toBe(403);
  }
  expect((await world.call(administrator, "GET", `/api/v1/users/${id}`)).status).toBe(404);
});

test("only an owner makes, changes or removes an owner", async () => {
  const other = await newPerson("owner");
  const viewer = await newPerson("viewer");
  expect(await changeRole(administrator, viewer.id, "owner")).toBe(403);
  expect(await changeRole(administrator, other.id, "viewer")).toBe(403);
  expect(await remove(administrator, other.id)).toBe(403);
  const invitation = { email: "new@example.com", role: "owner" };
  expect((await world.call(administrator, "POST", "/api/v1/users", invitation)).status).toBe(403);
  expect(await changeRole(owner, viewer.id, "owner")).toBe(200);
  expect(await remove(owner, viewer.id)).toBe(204);
  expect(await remove(owner, other.id)).toBe(204);
});

test("an administrator's key has no more say over owners than an administrator", async () => {
  const { key } = await world.newKey("administrator");
  const other = await newPerson("owner");
  expect(await remove({ bearer: key }, other.id)).toBe(403);
  expect(await remove(owner, other.id)).toBe(204);
});

test("the last owner stays, and says why", async () => {
  const id = await idOf(owner);
  const refused = await world.call(owner, "DELETE", `/api/v1/users/${id}`);
  expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining("last owner") } });
  expect(await changeRole(owner, id, "viewer")).toBe(409);
  expect(await changeRole(owner, id, "owner")).toBe(200);
});

test("owners who remove each other at the same moment leave one", async () => {
  await using own = await startFreshServer(databases);
  const url = own.server.httpUrl;
  const one = await setUpServer(url, own.server.setUpLink ?? "");
  const two = await joinAs(url, one, "owner", "two@example.com");
  const shown = async ({ cookie }: SignedIn) =>
    session.parse((await send(url, "GET", "/api/v1/session", { headers: { cookie } })).body).user.id;
  const [oneId, twoId] = [await shown(one), await shown(two)];
  // Both are let in, and held where they would change something, until both are there.
  const answers = await own.fresh.owner.transaction().execute(async (transaction) => {
    await sql`select from members for update`.execute(transaction);
    const sent = [
      send(url, "DELETE", `/api/v1/users/${twoId}`, { headers: { cookie: one.cookie } }),
      send(url, "DELETE", `/api/v1/users/${oneId}`, { headers: { cookie: two.cookie } }),
    ];
    const waiting = sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await expect.poll(async () => (await waiting.execute(own.fresh.owner)).rows.length).toBe(2);
    return { sent };
  });
  const statuses = (await Promise.all(answers.sent)).map(({ status }) => status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 409]);
});

test("of two who change a person at once, the one who saw an older version is refused", async () => {
  const { id } = await newPerson("viewer");
  const path = `/api/v1/users/${id}`;
  const seen = (await world.call(owner, "GET", path)).headers.get("etag") ?? "";
  const change = async (role: Role, ifMatch: string) => {
    const headers = { cookie: owner.cookie, "if-match": ifMatch };
    return await send(world.url, "PATCH", path, { headers, body: { role } });
  };
  const changed = await change("operator", seen);
  expect(changed.status).toBe(200);
  expect((await change("administrator", seen)).status).toBe(412);
  expect((await change("administrator", changed.headers.get("etag") ?? "")).status).toBe(200);
  expect((await change("viewer", "*")).status).toBe(200);
});

test("a person of another tenant isn't there", async () => {
  const id = await idOf(world.stranger);
  expect((await world.call(owner, "GET", `/api/v1/users/${id}`)).status).toBe(404);
  expect(await changeRole(owner, id, "viewer")).toBe(404);
  expect(await remove(owner, id)).toBe(404);
  expect((await world.call(world.stranger, "GET", "/api/v1/session")).status).toBe(200);
});

test("a list in pages holds everybody once, in the order in which they joined", async () => {
  await using own = await startFreshServer(databases);
  const url = own.server.httpUrl;
  const { cookie } = await setUpServer(url, own.server.setUpLink ?? "");
  // The database's clock tells microseconds: these join within one millisecond, and their ids are in no order.
  await sql`with people as (
      insert into users (id, name, email) select gen_random_uuid(), 'Person ' || i, i || '@example.com' from generate_series(1, 40) as i
      returning id, email
    ) insert into members (id, tenant_id, user_id, role, created_at)
      select gen_random_uuid(), ${own.fresh.tenantId}, id, 'viewer',
        '2040-01-01T00:00:00Z'::timestamptz + split_part(email, '@', 1)::integer * interval '7 microseconds' from people`.execute(
    own.fresh.owner,
  );
  const found: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const path: string = `/api/v1/users?limit=7${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const page = userList.parse((await send(url, "GET", path, { headers: { cookie } })).body);
    found.push(...page.users.map(({ email }) => email));
    cursor = page.next_cursor;
  }
  expect(found[0]).toBe("owner@example.com");
  expect(found.slice(1).toSorted()).toEqual(Array.from({ length: 40 }, (_, i) => `${i + 1}@example.com`).toSorted());
});

test("a list of one role holds that role only", async () => {
  const { users } = userList.parse((await world.call(owner, "GET", "/api/v1/users?role=operator")).body);
  expect(users.map((each) => user.parse(each).email)).toEqual(["operator@example.com"]);
});
