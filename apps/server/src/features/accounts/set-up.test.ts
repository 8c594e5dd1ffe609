import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { request as httpsRequest } from "node:https";
import { problem, session } from "@saveos/contract";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../../testing/api-client.ts";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { setUpServer, testPassword } from "../../testing/people.ts";
import { testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { makeSetUpToken } from "./set-up.ts";

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startTestDatabases();
});
afterAll(async () => await databases.stop());

function tokenOf({ server }: FreshServer): string {
  return new URL(server.setUpLink ?? "").hash.slice(1);
}

async function setUp({ server }: FreshServer, token: string, email = "owner@example.com") {
  const body = { token, tenant_name: "Bakery", name: "Olivia", email, password: testPassword };
  return await send(server.httpUrl, "POST", "/api/v1/setup", { body });
}

test("the printed link makes the first owner, who is signed in and may do everything", async () => {
  await using world = await startFreshServer(databases);
  const { cookie } = await setUpServer(world.server.httpUrl, world.server.setUpLink ?? "");
  const shown = session.parse(
    (await send(world.server.httpUrl, "GET", "/api/v1/session", { headers: { cookie } })).body,
  );
  expect(shown).toMatchObject({ user: { email: "owner@example.com" }, tenant: { name: "First", role: "owner" } });
  expect(shown.permissions).toContain("tenants:create");
});

test("what was made before anybody had an account belongs to the first owner's tenant", async () => {
  await using world = await startFreshServer(databases);
  const credential = await world.server.createApiKey();
  await setUp(world, tokenOf(world));
  const { body } = await send(world.server.httpUrl, "GET", "/api/v1/tenants", { credential });
  expect(body).toMatchObject({ tenants: [{ id: world.fresh.tenantId, name: "Bakery" }] });
});

test("the link works once, and a server that is set up says so whatever the link", async () => {
  await using world = await startFreshServer(databases);
  const token = tokenOf(world);
  expect((await setUp(world, token)).status).toBe(201);
  for (const again of [token, `saveos_invite_${randomUUID()}_${"a".repeat(43)}`, "nonsense"]) {
    expect(await setUp(world, again, "second@example.com")).toMatchObject({
      status: 409,
      body: { detail: "This server is set up already." },
    });
  }
});

test("of those who come with the link at the same moment, one becomes the owner", async () => {
  await using world = await startFreshServer(databases);
  const token = tokenOf(world);
  const answers = await Promise.all(
    Array.from({ length: 6 }, async (_, i) => await setUp(world, token, `${i}@example.com`)),
  );
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(["201", "409", "409", "409", "409", "409"]);
  const { rows } = await sql`select from members where role = 'owner'`.execute(world.fresh.owner);
  expect(rows).toHaveLength(1);
  expect((await sql`select from users`.execute(world.fresh.owner)).rows).toHaveLength(1);
});

test("a wrong link is refused and counted, and changes nothing", async () => {
  await using world = await startFreshServer(databases);
  const token = tokenOf(world);
  const wrong = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  const answer = await setUp(world, wrong);
  expect(problem.parse(answer.body)).toMatchObject({ status: 401, detail: "This link is unknown." });
  const metrics = await send(world.server.httpUrl, "GET", "/metrics", {
    credential: await world.server.createApiKey(),
  });
  expect(metrics.body).toContain("saveos_refused_attempts_total 1");
  expect((await setUp(world, token)).status).toBe(201);
});

test("many wrong links are answered with 429", async () => {
  await using world = await startFreshServer(databases);
  const statuses: number[] = [];
  for (let i = 0; i < 22; i += 1) statuses.push((await setUp(world, "nonsense")).status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(20);
  expect(statuses.slice(20)).toEqual([429, 429]);
});

test("the link expires after a day", async () => {
  const clock = testClock();
  await using world = await startFreshServer(databases, { clock });
  clock.advance({ hours: 24 });
  expect(await setUp(world, tokenOf(world))).toMatchObject({
    status: 401,
    body: { detail: "This link has expired. Ask for a new one." },
  });
});

test("a newer link makes the older one useless", async () => {
  const clock = testClock();
  await using world = await startFreshServer(databases, { clock });
  const newer = await makeSetUpToken({ accounts: world.fresh.databases.accounts, clock });
  expect((await setUp(world, tokenOf(world))).status).toBe(401);
  expect((await setUp(world, newer)).status).toBe(201);
});

test("a set-up that fails leaves the link unspent", async () => {
  await using world = await startFreshServer(databases);
  const token = tokenOf(world);
  const body = { token, tenant_name: "Bakery", name: "Olivia", email: "o@example.com", password: "too short" };
  const refused = await send(world.server.httpUrl, "POST", "/api/v1/setup", { body });
  expect(problem.parse(refused.body).errors).toEqual([
    { pointer: "/password", message: "must have at least 12 characters" },
  ]);
  expect((await setUp(world, token)).status).toBe(201);
});

test("a server that is set up prints no link at its next start", async () => {
  await using world = await startFreshServer(databases);
  await setUp(world, tokenOf(world));
  await using next = await startFreshServer(databases, { environment: { DATABASE_URL: world.databaseUrl } });
  expect(next.server.setUpLink).toBeUndefined();
});

test("over TLS the session's cookie never leaves it", async () => {
  await using world = await startFreshServer(databases);
  const { httpsUrl, certificateAuthority } = world.server;
  const sending = httpsRequest(new URL("/api/v1/setup", httpsUrl), {
    method: "POST",
    ca: certificateAuthority,
    headers: { "content-type": "application/json" },
  });
  const body = { tenant_name: "Bakery", name: "Olivia", email: "owner@example.com", password: testPassword };
  sending.end(JSON.stringify({ token: tokenOf(world), ...body }));
  const [response] = await once(sending, "response");
  expect(response.headers["set-cookie"]).toHaveLength(1);
  expect(response.headers["set-cookie"][0]).toMatch(
    /^__Secure-saveos\.session_token=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
  response.resume();
});
