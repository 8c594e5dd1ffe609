import { createTenantResponse, inviteResponse, type Role, session, userList } from "@saveos/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Answer, send } from "../../testing/api-client.ts";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { accept, joinAs, setUpServer, type SignedIn, testPassword } from "../../testing/people.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";

let databases: TestDatabases;
let world: FreshServer;
let clock: TestClock;
let owner: SignedIn;
/** The owner of another tenant. */
let stranger: SignedIn;

beforeAll(async () => {
  databases = await startTestDatabases();
  clock = testClock(new Date().toISOString());
  world = await startFreshServer(databases, { clock });
  owner = await setUpServer(world.server.httpUrl, world.server.setUpLink ?? "");
  stranger = await accept(world.server.httpUrl, await newTenant("Other", "stranger@example.com"));
});
// No test suffers from the wrong passwords of another.
beforeEach(() => clock.advance({ minutes: 20 }));
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await databases.stop();
});

async function call(method: string, path: string, who: SignedIn | undefined, body?: unknown): Promise<Answer> {
  const headers = who === undefined ? {} : { cookie: who.cookie };
  return await send(world.server.httpUrl, method, path, { headers, body });
}

async function newTenant(name: string, owner_email: string): Promise<string> {
  const made = await call("POST", "/api/v1/tenants", owner, { name, owner_email });
  return createTenantResponse.parse(made.body).invitation.token;
}

async function invite(email: string, role: Role = "operator", by = owner, expires_in_hours = 72): Promise<string> {
  return inviteResponse.parse((await call("POST", "/api/v1/users", by, { email, role, expires_in_hours })).body).token;
}

async function acceptWith(token: string, password = testPassword): Promise<Answer> {
  return await call("POST", "/api/v1/invitations/accept", undefined, { token, name: "New Person", password });
}

async function sessionOf(who: SignedIn) {
  return session.parse((await call("GET", "/api/v1/session", who)).body);
}

async function usersOf(by: SignedIn) {
  return userList.parse((await call("GET", "/api/v1/users?limit=500", by)).body).users;
}

test("who has no account makes one, in the tenant and role of the invitation", async () => {
  const person = await accept(world.server.httpUrl, await invite("new@example.com"));
  expect(await sessionOf(person)).toMatchObject({
    user: { name: "New Person", email: "new@example.com" },
    tenant: { role: "operator" },
    tenants: [{ name: "First" }],
  });
});

test("who has an account joins with its password, and keeps their name", async () => {
  await joinAs(world.server.httpUrl, owner, "viewer", "both@example.com");
  const token = await invite("both@example.com", "administrator", stranger);
  const joined = await accept(world.server.httpUrl, token);
  const { tenants } = await sessionOf(joined);
  expect(tenants.map(({ name, role }) => [name, role])).toEqual([
    ["First", "viewer"],
    ["Other", "administrator"],
  ]);
});

test("a wrong password of an account leaves the invitation unspent", async () => {
  await joinAs(world.server.httpUrl, owner, "viewer", "careful@example.com");
  const token = await invite("careful@example.com", "viewer", stranger);
  expect(await acceptWith(token, "not the password")).toMatchObject({
    status: 401,
    body: { detail: "You have an account on this server already, and this isn't its password." },
  });
  expect((await acceptWith(token)).status).toBe(201);
});

test("who invites somebody can't use the invitation to guess their password faster than by signing in", async () => {
  await joinAs(world.server.httpUrl, owner, "viewer", "victim@example.com");
  const token = await invite("victim@example.com", "viewer", stranger);
  for (let i = 0; i < 5; i += 1) expect((await acceptWith(token, "not the password")).status).toBe(401);
  expect((await acceptWith(token)).status).toBe(429);
});

test("an invitation works once, also for those who come with it at the same moment", async () => {
  const token = await invite("once@example.com");
  const answers = await Promise.all([acceptWith(token), acceptWith(token), acceptWith(token)]);
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(["201", "409", "409"]);
  expect(await acceptWith(token)).toMatchObject({ status: 409, body: { detail: "This link was used already." } });
});

test("two invitations of one person that are accepted at the same moment make one account", async () => {
  const tokens = [await invite("twice@example.com"), await invite("twice@example.com", "viewer", stranger)];
  const answers = await Promise.all(tokens.map(async (token) => await acceptWith(token)));
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  const [ours, theirs] = await Promise.all([usersOf(owner), usersOf(stranger)]);
  const idIn = (users: typeof ours) => users.find(({ email }) => email === "twice@example.com")?.id;
  expect(idIn(ours)).toBe(idIn(theirs));
  expect(idIn(ours)).toBeDefined();
});

test("an invitation expires", async () => {
  const token = await invite("late@example.com", "viewer", owner, 1);
  clock.advance({ hours: 1 });
  expect(await acceptWith(token)).toMatchObject({
    status: 401,
    body: { detail: "This link has expired. Ask for a new one." },
  });
});

test("a token that was never made, or is for something else, lets nobody in", async () => {
  const token = await invite("near@example.com");
  const wrong = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  const key = await world.server.createApiKey();
  for (const each of [wrong, key, "nonsense"]) expect((await acceptWith(each)).status).toBe(401);
});

test("a member who is invited again stays what they are: the last owner can't be made a viewer so", async () => {
  const token = await invite("owner@example.com", "viewer");
  expect(await acceptWith(token)).toMatchObject({
    status: 409,
    body: { detail: "You belong to this tenant already: sign in." },
  });
  expect((await sessionOf(owner)).tenant.role).toBe("owner");
});

test("who belongs to several tenants goes from one to the other, and sees of each its own only", async () => {
  await joinAs(world.server.httpUrl, owner, "viewer", "wanderer@example.com");
  const wanderer = await accept(world.server.httpUrl, await invite("wanderer@example.com", "administrator", stranger));
  const { tenant, tenants } = await sessionOf(wanderer);
  expect(tenant.name).toBe("First");
  expect((await call("GET", "/api/v1/users", wanderer)).status).toBe(403);
  const other = tenants.find(({ name }) => name === "Other");
  const moved = await call("PATCH", "/api/v1/session", wanderer, { tenant_id: other?.id });
  expect(session.parse(moved.body)).toMatchObject({ tenant: { name: "Other", role: "administrator" } });
  expect((await usersOf(wanderer)).map(({ email }) => email)).toContain("stranger@example.com");
  expect((await usersOf(wanderer)).map(({ email }) => email)).not.toContain("owner@example.com");
  expect((await call("PATCH", "/api/v1/session", wanderer, { tenant_id: crypto.randomUUID() })).status).toBe(404);
  const left = (await usersOf(stranger)).find(({ email }) => email === "wanderer@example.com");
  await call("DELETE", `/api/v1/users/${left?.id}`, stranger);
  expect((await sessionOf(wanderer)).tenant.name).toBe("First");
});
