import {
  auditList,
  createApiKeyResponse,
  createTenantResponse,
  inviteResponse,
  provisionResponse,
  registerResponse,
  session,
} from "@saveos/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testRecipient } from "../../testing/enrol-agent.ts";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { accept, testPassword } from "../../testing/people.ts";
import { tenantFixture, type TenantFixture } from "../../testing/tenant-fixture.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";

let databases: TestDatabases;
let fresh: FreshServer;
let clock: TestClock;
let world: TenantFixture;
/** Everything that was ever shown once, or typed. */
const secrets = new Set([testPassword]);

beforeAll(async () => {
  databases = await startTestDatabases();
  clock = testClock(new Date().toISOString());
  fresh = await startFreshServer(databases, { clock });
  secrets.add(new URL(fresh.server.setUpLink ?? "").hash.slice(-43));
  world = await tenantFixture(fresh.server);
});
afterAll(async () => {
  await fresh[Symbol.asyncDispose]();
  await databases.stop();
});

/** What the tenant's list has gained by `deeds`, oldest first. */
async function eventsOf(deeds: () => Promise<void>) {
  clock.advance({ seconds: 1 });
  const before = clock.now().toISOString();
  await deeds();
  return (await allEvents()).filter(({ at }) => at >= before).toReversed();
}

async function allEvents() {
  const found = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const path: string = `/api/v1/audit?limit=20${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const page = auditList.parse((await world.call(world.people.owner, "GET", path)).body);
    found.push(...page.events);
    cursor = page.next_cursor;
  }
  return found;
}

async function owned(method: string, path: string, body?: unknown) {
  clock.advance({ seconds: 1 });
  const { status, body: answer } = await world.call(world.people.owner, method, path, body);
  expect(status, JSON.stringify(answer)).toBeLessThan(300);
  return answer;
}

const byOwner = { kind: "user", name: "Olivia Owner" };

test("that the server was set up is written down, by whom and from where", async () => {
  expect((await allEvents()).find(({ action }) => action === "server.set-up")).toMatchObject({
    actor: byOwner,
    subject: { kind: "tenant", id: world.tenantId, name: "First" },
    address: "127.0.0.1",
  });
});

test("what is done with people, keys and the tenant is written down, with who did it and from where", async () => {
  const events = await eventsOf(async () => {
    const invited = inviteResponse.parse(
      await owned("POST", "/api/v1/users", { email: "joins@example.com", role: "viewer" }),
    );
    secrets.add(invited.token.slice(-43));
    clock.advance({ seconds: 1 });
    const joined = await accept(world.url, invited.token);
    const { id } = session.parse((await world.call(joined, "GET", "/api/v1/session")).body).user;
    await owned("PATCH", `/api/v1/users/${id}`, { role: "operator" });
    clock.advance({ seconds: 1 });
    const passwords = { current_password: testPassword, new_password: "a newer, longer password" };
    secrets.add(passwords.new_password);
    await world.call(joined, "POST", "/api/v1/session/password", passwords);
    await owned("DELETE", `/api/v1/users/${id}`);
    await owned("PATCH", `/api/v1/tenants/${world.tenantId}`, { name: "Renamed" });
    const branch = createTenantResponse.parse(
      await owned("POST", "/api/v1/tenants", { name: "Branch", owner_email: "b@example.com" }),
    );
    secrets.add(branch.invitation.token.slice(-43));
    const { api_key, key } = createApiKeyResponse.parse(
      await owned("POST", "/api/v1/api-keys", { name: "robot", role: "administrator" }),
    );
    secrets.add(key.slice(-43));
    clock.advance({ seconds: 1 });
    await world.call({ bearer: key }, "POST", "/api/v1/plans", { name: "by robot", paths: ["/etc"] });
    await owned("DELETE", `/api/v1/api-keys/${api_key.id}`);
  });
  const address = "127.0.0.1";
  const person = { kind: "user", name: "joins@example.com" };
  expect(events).toMatchObject([
    { action: "user.invited", actor: byOwner, subject: { name: "joins@example.com" }, details: { role: "viewer" } },
    { action: "user.joined", actor: { kind: "user", name: "New Person" }, subject: person },
    { action: "user.changed-role", actor: byOwner, subject: person, details: { from: "viewer", to: "operator" } },
    { action: "user.changed-password", actor: { kind: "user", name: "New Person" } },
    { action: "user.removed", actor: byOwner, subject: person },
    { action: "tenant.renamed", actor: byOwner, subject: { name: "Renamed" }, details: { from: "First" } },
    { action: "tenant.created", actor: byOwner, subject: { kind: "tenant", name: "Branch" } },
    { action: "api-key.created", actor: byOwner, subject: { name: "robot" }, details: { role: "administrator" } },
    { action: "plan.created", actor: { kind: "api-key", name: "robot" }, subject: { name: "by robot" } },
    { action: "api-key.revoked", actor: byOwner, subject: { kind: "api-key", name: "robot" } },
  ]);
  expect(events.map((event) => event.address)).toEqual(events.map(() => address));
});

test("what is done with a machine is written down, and so is a token that somebody uses a second time", async () => {
  const events = await eventsOf(async () => {
    const provisioned = provisionResponse.parse(await owned("POST", "/api/v1/agents/provision", { hostname: "web-1" }));
    const { token } = provisioned.enrolment;
    secrets.add(token.slice(-43));
    const facts = { agent_version: "0.1.0", machine_id: "m", time_zone: "UTC", recipient: testRecipient };
    const registration = { token, hostname: "web-1", platform: "linux", ...facts };
    clock.advance({ seconds: 1 });
    const registered = await world.call(undefined, "POST", "/api/v1/agents/register", registration);
    const { agent_id, credential } = registerResponse.parse(registered.body);
    secrets.add(credential.slice(-43));
    clock.advance({ seconds: 1 });
    expect((await world.call(undefined, "POST", "/api/v1/agents/register", registration)).status).toBe(409);
    await owned("POST", `/api/v1/agents/${agent_id}/revoke`);
  });
  expect(events).toMatchObject([
    { action: "agent.provisioned", actor: byOwner, subject: { kind: "agent", name: "web-1" } },
    { action: "agent.enrolled", actor: { kind: "agent", name: "web-1" }, address: "127.0.0.1" },
    { action: "enrolment.token-replayed", actor: { kind: "nobody", id: null }, address: "127.0.0.1" },
    { action: "agent.revoked", actor: byOwner, subject: { kind: "agent", name: "web-1" } },
  ]);
});

test("what was refused leaves no event", async () => {
  const events = await eventsOf(async () => {
    await world.call(world.people.viewer, "POST", "/api/v1/users", { email: "a@example.com", role: "viewer" });
    await world.call(world.people.owner, "POST", "/api/v1/plans", { name: "none" });
    await world.call(world.people.owner, "DELETE", `/api/v1/users/${crypto.randomUUID()}`);
  });
  expect(events).toEqual([]);
});

test("no event holds anything that opens something", async () => {
  const all = JSON.stringify(await allEvents());
  expect(secrets.size).toBeGreaterThan(6);
  for (const secret of secrets) expect(all).not.toContain(secret);
});

test("a tenant reads its own events only", async () => {
  const theirs = auditList.parse((await world.call(world.stranger, "GET", "/api/v1/audit?limit=500")).body).events;
  expect(theirs.map(({ action }) => action)).toEqual(["user.joined"]);
});

test("events are found by what was done, by whom and to what", async () => {
  const all = await allEvents();
  const some = all.find(({ action }) => action === "plan.created")!;
  const found = async (query: string) =>
    auditList.parse((await world.call(world.people.owner, "GET", `/api/v1/audit?limit=500&${query}`)).body).events;
  for (const [query, matches] of [
    ["action=user.joined", (event: typeof some) => event.action === "user.joined"],
    [`actor_id=${some.actor.id}`, (event: typeof some) => event.actor.id === some.actor.id],
    [`subject_id=${some.subject.id}`, (event: typeof some) => event.subject.id === some.subject.id],
  ] as const) {
    expect(await found(query)).toEqual(all.filter(matches));
  }
});
