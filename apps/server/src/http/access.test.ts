import { randomUUID } from "node:crypto";
import type { Permission, Role } from "@saveos/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { testRecipient } from "../testing/enrol-agent.ts";
import { type FreshServer, startFreshServer } from "../testing/fresh-server.ts";
import { testPassword } from "../testing/people.ts";
import { type Credential, type FixtureAgent, tenantFixture, type TenantFixture } from "../testing/tenant-fixture.ts";
import { type TestClock, testClock } from "../testing/test-clock.ts";
import { lockedIdentity, sealedText, TestVault } from "../testing/test-vault.ts";
import { startTestDatabases, type TestDatabases } from "../testing/test-databases.ts";

/*
 * Who may do what: every endpoint of the OpenAPI document, called by everybody there is. The tables below are written down a second time on
 * purpose: a policy that is changed by mistake no longer agrees with them, and an endpoint that isn't in them fails the last test.
 */

let clock: TestClock;
let databases: TestDatabases;
let server: FreshServer;
let world: TenantFixture;
/** The agent that paths and bodies are about. */
let agent: FixtureAgent;
let otherAgent: FixtureAgent;
let snapshotId: string;
let findingId: string;
let who: Record<Caller, Credential>;

/** Everybody who may come. `narrow` is an owner's key that is cut down to reading agents. */
const callers = [
  "owner",
  "administrator",
  "operator",
  "viewer",
  "owner's key",
  "viewer's key",
  "narrow key",
  "stranger",
  "agent",
  "other agent",
  "revoked agent",
  "expired key",
  "revoked key",
  "wrong key",
  "nobody",
] as const;
type Caller = (typeof callers)[number];

/** The least role for each permission: independent of the server's own policies. */
const least: Readonly<Record<Permission, Role>> = {
  "agents:read": "viewer",
  "agents:provision": "administrator",
  "agents:change": "administrator",
  "agents:revoke": "administrator",
  "api-keys:read": "administrator",
  "api-keys:change": "administrator",
  "audit:read": "administrator",
  "events:read": "viewer",
  "jobs:read": "viewer",
  "jobs:run": "operator",
  "jobs:restore": "operator",
  "jobs:cancel": "operator",
  "monitoring:read": "viewer",
  "plans:read": "viewer",
  "plans:change": "administrator",
  "repositories:read": "viewer",
  "repositories:change": "administrator",
  "repositories:use": "administrator",
  "repositories:delete": "administrator",
  "snapshots:read": "viewer",
  "tenants:read": "viewer",
  "tenants:change": "administrator",
  "tenants:create": "owner",
  "users:read": "administrator",
  "users:change": "administrator",
  "vault:read": "viewer",
  "vault:open": "administrator",
  "vault:change": "owner",
  "verification:read": "viewer",
  "verification:run": "operator",
};

interface Rule {
  readonly forWhom: "anyone" | "person" | "agent" | Permission | `${Permission} or agent`;
  /** What those get who may. */
  readonly ok: number;
  /** Fills the path's places, with things that are there and that the call may use up. */
  readonly path?: (place: string) => Promise<string> | string;
  readonly query?: () => string;
  readonly body?: () => unknown;
  /** What another tenant's owner gets: 404 where the path names something of ours, unless said otherwise. */
  readonly stranger?: number;
  /** What another agent of the tenant gets, where it isn't what the agent itself gets. */
  readonly otherAgent?: number;
}

const atAgent = { path: () => agent.agentId };
const atPlan = { path: async () => await world.newPlan() };
const atJob = { path: async () => await world.newJob(agent.agentId) };
const endedJob = async () => {
  const id = await world.newJob(agent.agentId);
  await world.call(who.owner, "POST", `/api/v1/jobs/${id}/cancel`);
  return id;
};
const planBody = () => ({ name: "plan", paths: ["/etc"] });
const newPassphrase = () => ({ label: randomUUID(), locked_identity: lockedIdentity, generation: 1 });
const atPassphrase = {
  path: async () => {
    const { body } = await world.call(who.owner, "POST", "/api/v1/vault/passphrases", newPassphrase());
    return z.object({ id: z.uuid() }).parse(body).id;
  },
};
const heartbeat = () => ({
  hostname: agent.hostname,
  agent_version: "0.1.0",
  machine_id: agent.hostname,
  session_id: randomUUID(),
  time_zone: "UTC",
  running_jobs: [],
  wait_seconds: 0,
});

const rules: Readonly<Record<string, Rule>> = {
  "GET /health": { forWhom: "anyone", ok: 200 },
  "GET /health/ready": { forWhom: "anyone", ok: 200 },
  "GET /health/live": { forWhom: "anyone", ok: 200 },
  "GET /metrics": { forWhom: "monitoring:read", ok: 200 },
  // What lets in here is the token in the body, which nobody has.
  "POST /api/v1/setup": {
    forWhom: "anyone",
    ok: 409,
    body: () => ({ token: "none", tenant_name: "a", name: "a", email: "a@example.com", password: testPassword }),
  },
  "POST /api/v1/invitations/accept": {
    forWhom: "anyone",
    ok: 401,
    body: () => ({ token: "none", name: "a", password: testPassword }),
  },
  "POST /api/v1/agents/register": {
    forWhom: "anyone",
    ok: 401,
    body: () => ({
      token: "none",
      hostname: "a",
      platform: "linux",
      agent_version: "1",
      machine_id: "a",
      time_zone: "UTC",
      recipient: testRecipient,
    }),
  },
  "POST /api/v1/session": {
    forWhom: "anyone",
    ok: 204,
    body: () => ({ email: "viewer@example.com", password: testPassword }),
  },
  "GET /api/v1/session": { forWhom: "person", ok: 200 },
  "PATCH /api/v1/session": { forWhom: "person", ok: 200, body: () => ({ tenant_id: world.tenantId }), stranger: 404 },
  "POST /api/v1/session/password": {
    forWhom: "person",
    ok: 204,
    body: () => ({ current_password: testPassword, new_password: testPassword }),
  },
  "GET /api/v1/users": { forWhom: "users:read", ok: 200 },
  "POST /api/v1/users": {
    forWhom: "users:change",
    ok: 201,
    body: () => ({ email: "new@example.com", role: "viewer" }),
  },
  "GET /api/v1/users/{user_id}": { forWhom: "users:read", ok: 200, path: async () => await world.newUser("viewer") },
  "PATCH /api/v1/users/{user_id}": {
    forWhom: "users:change",
    ok: 200,
    path: async () => await world.newUser("viewer"),
    body: () => ({ role: "operator" }),
  },
  "DELETE /api/v1/users/{user_id}": {
    forWhom: "users:change",
    ok: 204,
    path: async () => await world.newUser("viewer"),
  },
  "GET /api/v1/tenants": { forWhom: "tenants:read", ok: 200 },
  "POST /api/v1/tenants": {
    forWhom: "tenants:create",
    ok: 201,
    body: () => ({ name: "another", owner_email: "x@example.com" }),
    stranger: 403,
  },
  "GET /api/v1/tenants/{tenant_id}": { forWhom: "tenants:read", ok: 200, path: () => world.tenantId },
  "PATCH /api/v1/tenants/{tenant_id}": {
    forWhom: "tenants:change",
    ok: 200,
    path: () => world.tenantId,
    body: () => ({ name: "First" }),
  },
  "GET /api/v1/api-keys": { forWhom: "api-keys:read", ok: 200 },
  "POST /api/v1/api-keys": { forWhom: "api-keys:change", ok: 201, body: () => ({ name: "key", role: "viewer" }) },
  "GET /api/v1/api-keys/{key_id}": {
    forWhom: "api-keys:read",
    ok: 200,
    path: async () => (await world.newKey("viewer")).id,
  },
  "DELETE /api/v1/api-keys/{key_id}": {
    forWhom: "api-keys:change",
    ok: 204,
    path: async () => (await world.newKey("viewer")).id,
  },
  "GET /api/v1/audit": { forWhom: "audit:read", ok: 200 },
  "GET /api/v1/events": { forWhom: "events:read", ok: 200 },
  "POST /api/v1/agents/provision": { forWhom: "agents:provision", ok: 201, body: () => ({ hostname: "new" }) },
  "POST /api/v1/agents/heartbeat": { forWhom: "agent", ok: 200, body: heartbeat, otherAgent: 409 },
  "POST /api/v1/agents/credential": { forWhom: "agent", ok: 200, body: () => ({}) },
  "POST /api/v1/agents/reports": {
    forWhom: "agent",
    ok: 200,
    body: async () => ({
      reports: [
        { kind: "started", job_id: await world.newJob(agent.agentId), sequence: 0, at: "2030-01-01T00:00:00Z" },
      ],
    }),
  },
  // No agent was built for this server: who may have it learns that.
  "GET /download/agent/{platform}": {
    forWhom: "agents:provision or agent",
    ok: 503,
    path: () => "linux",
    stranger: 503,
  },
  "GET /api/v1/agents/stats": { forWhom: "monitoring:read", ok: 200 },
  "GET /api/v1/agents": { forWhom: "agents:read", ok: 200 },
  "GET /api/v1/agents/{agent_id}": { forWhom: "agents:read", ok: 200, ...atAgent },
  "PATCH /api/v1/agents/{agent_id}": { forWhom: "agents:change", ok: 200, ...atAgent, body: () => ({ tags: ["a"] }) },
  "POST /api/v1/agents/{agent_id}/revoke": {
    forWhom: "agents:revoke",
    ok: 200,
    path: async () => (await world.newAgent(`gone-${randomUUID()}`)).agentId,
  },
  "GET /api/v1/plans": { forWhom: "plans:read", ok: 200 },
  "POST /api/v1/plans": { forWhom: "plans:change", ok: 201, body: planBody },
  "POST /api/v1/plans/preview": {
    forWhom: "plans:read",
    ok: 200,
    body: () => ({ schedule: { kind: "daily", from: "20:00", to: "06:00" }, time_zone: "Europe/Paris" }),
  },
  "GET /api/v1/plans/{plan_id}": { forWhom: "plans:read", ok: 200, ...atPlan },
  "PUT /api/v1/plans/{plan_id}": { forWhom: "plans:change", ok: 200, ...atPlan, body: planBody },
  "DELETE /api/v1/plans/{plan_id}": { forWhom: "plans:change", ok: 204, ...atPlan },
  "GET /api/v1/plans/{plan_id}/preview": { forWhom: "plans:read", ok: 200, ...atPlan },
  "GET /api/v1/plans/{plan_id}/retention": {
    forWhom: "plans:read",
    ok: 200,
    ...atPlan,
    query: () => `agent_id=${agent.agentId}`,
  },
  "GET /api/v1/plans/{plan_id}/skipped-runs": { forWhom: "plans:read", ok: 200, ...atPlan },
  "POST /api/v1/plans/{plan_id}/run": { forWhom: "jobs:run", ok: 202, ...atPlan },
  "POST /api/v1/backup": {
    forWhom: "jobs:run",
    ok: 202,
    body: () => ({ agent_id: agent.agentId, paths: ["/home"] }),
    stranger: 404,
  },
  "POST /api/v1/restore": {
    forWhom: "jobs:restore",
    ok: 202,
    body: () => ({ agent_id: agent.agentId, snapshot_id: snapshotId }),
    stranger: 404,
  },
  "POST /api/v1/check": { forWhom: "jobs:run", ok: 202, body: () => ({ agent_id: agent.agentId }), stranger: 404 },
  "GET /api/v1/jobs": { forWhom: "jobs:read", ok: 200 },
  "GET /api/v1/jobs/{job_id}": { forWhom: "jobs:read or agent", ok: 200, ...atJob, otherAgent: 404 },
  "GET /api/v1/jobs/{job_id}/log": { forWhom: "jobs:read", ok: 200, ...atJob },
  "POST /api/v1/jobs/{job_id}/cancel": { forWhom: "jobs:cancel", ok: 200, ...atJob },
  "POST /api/v1/jobs/{job_id}/retry": { forWhom: "jobs:run", ok: 202, path: endedJob },
  "GET /api/v1/backup/{agent_id}/snapshots": {
    forWhom: "snapshots:read or agent",
    ok: 200,
    ...atAgent,
    otherAgent: 404,
  },
  "GET /api/v1/snapshots": { forWhom: "snapshots:read", ok: 200 },
  "GET /api/v1/snapshots/{snapshot_id}": { forWhom: "snapshots:read", ok: 200, path: () => snapshotId },
  "GET /api/v1/repositories": { forWhom: "repositories:read", ok: 200 },
  "GET /api/v1/repositories/{repository_id}": {
    forWhom: "repositories:read",
    ok: 200,
    path: () => agent.repositoryId,
  },
  "PATCH /api/v1/repositories/{repository_id}": {
    forWhom: "repositories:change",
    ok: 200,
    path: () => agent.repositoryId,
    body: () => ({ max_bytes: null }),
  },
  "GET /api/v1/repositories/{repository_id}/usage": {
    forWhom: "repositories:read",
    ok: 200,
    path: () => agent.repositoryId,
  },
  // There is one already.
  "POST /api/v1/vault": { forWhom: "vault:change", ok: 409, body: () => new TestVault().request },
  "GET /api/v1/vault": { forWhom: "vault:read", ok: 200 },
  "GET /api/v1/vault/passphrases": { forWhom: "vault:read", ok: 200 },
  "POST /api/v1/vault/passphrases": { forWhom: "vault:open", ok: 201, body: () => newPassphrase() },
  "GET /api/v1/vault/passphrases/{passphrase_id}": { forWhom: "vault:open", ok: 200, ...atPassphrase },
  "DELETE /api/v1/vault/passphrases/{passphrase_id}": { forWhom: "vault:change", ok: 204, ...atPassphrase },
  "POST /api/v1/vault/passphrases/{passphrase_id}/wrong": { forWhom: "vault:open", ok: 204, ...atPassphrase },
  // Another vault has signed it.
  "POST /api/v1/vault/rotation": {
    forWhom: "vault:change",
    ok: 400,
    body: () => {
      const stranger = new TestVault();
      return { rotation: stranger.rotationTo(new TestVault()), passphrases: [stranger.request.passphrase] };
    },
  },
  "GET /api/v1/vault/rotation": { forWhom: "vault:read", ok: 200 },
  "PUT /api/v1/vault/names": {
    forWhom: "vault:change",
    ok: 400,
    body: () => ({ names: new TestVault().names(true, 1) }),
  },
  "GET /api/v1/vault/sealed-passwords": { forWhom: "vault:open", ok: 200 },
  // Nothing of this agent's was sealed yet.
  "POST /api/v1/vault/sealed-passwords": {
    forWhom: "vault:change",
    ok: 404,
    body: () => ({ repository_id: randomUUID(), agent_id: agent.agentId, generation: 1, sealed: sealedText() }),
  },
  "PUT /api/v1/agents/sealed-password": {
    forWhom: "agent",
    ok: 204,
    body: () => ({ generation: 1, sealed: sealedText() }),
  },
  "GET /api/v1/repositories/{repository_id}/verification": {
    forWhom: "verification:read",
    ok: 200,
    path: () => agent.repositoryId,
  },
  "POST /api/v1/repositories/{repository_id}/verification": {
    forWhom: "verification:run",
    ok: 202,
    // Once an hour each.
    path: async () => (await world.newAgent(`verified-${randomUUID()}`)).repositoryId,
  },
  "GET /api/v1/verification": { forWhom: "verification:read", ok: 200 },
  "GET /api/v1/verification/findings": { forWhom: "verification:read", ok: 200 },
  "GET /api/v1/verification/findings/{finding_id}": { forWhom: "verification:read", ok: 200, path: () => findingId },
  "GET /api/v1/repositories/{repository_id}/quarantine": {
    forWhom: "repositories:read",
    ok: 200,
    path: () => agent.repositoryId,
  },
  "POST /api/v1/repositories/{repository_id}/undelete": {
    forWhom: "repositories:change",
    ok: 202,
    path: () => agent.repositoryId,
    body: () => ({ snapshot_id: snapshotId }),
  },
  "GET /api/v1/undeletes/{undelete_id}": {
    forWhom: "repositories:read",
    ok: 200,
    path: async () => await newUndelete(),
  },
  "GET /api/v1/repositories/{repository_id}/grants": {
    forWhom: "repositories:delete",
    ok: 200,
    path: () => agent.repositoryId,
  },
  // On another repository: while a grant lives, nothing is brought back.
  "POST /api/v1/repositories/{repository_id}/grants": {
    forWhom: "repositories:delete",
    ok: 201,
    path: () => otherAgent.repositoryId,
    body: async () => ({ kind: "prune", api_key_id: (await world.newKey("owner")).id }),
  },
  "DELETE /api/v1/grants/{grant_id}": { forWhom: "repositories:delete", ok: 204, path: async () => await newGrant() },
  "POST /api/v1/forget": {
    forWhom: "repositories:delete",
    ok: 202,
    body: () => ({ agent_id: agent.agentId, snapshot_ids: [snapshotId], dry_run: true }),
    stranger: 404,
  },
  "POST /api/v1/prune": {
    forWhom: "repositories:delete",
    ok: 202,
    body: () => ({ agent_id: agent.agentId, dry_run: true }),
    stranger: 404,
  },
  "POST /api/v1/plans/preview-retention": {
    forWhom: "plans:read",
    ok: 200,
    body: () => ({ agent_id: agent.agentId, retention: { keep_last: 1 } }),
    stranger: 404,
  },
  "POST /api/v1/plans/preview-retention/estimate": {
    forWhom: "plans:change",
    ok: 202,
    body: () => ({ agent_id: agent.agentId, retention: { keep_last: 1 } }),
    stranger: 404,
  },
  "GET /api/v1/held-deletions": { forWhom: "repositories:delete", ok: 200 },
  "POST /api/v1/held-deletions/{held_deletion_id}/approve": {
    forWhom: "repositories:delete",
    ok: 200,
    path: async () => await newHeldDeletion(),
  },
  "POST /api/v1/held-deletions/{held_deletion_id}/reject": {
    forWhom: "repositories:delete",
    ok: 200,
    path: async () => await newHeldDeletion(),
  },
  "GET /api/v1/delayed-changes": { forWhom: "repositories:delete", ok: 200 },
  "DELETE /api/v1/delayed-changes/{change_id}": {
    forWhom: "repositories:delete",
    ok: 204,
    path: async () => await newDelayedChange(),
  },
  // The last: after it, the people are signed out.
  "DELETE /api/v1/session": { forWhom: "person", ok: 204 },
};

beforeAll(async () => {
  clock = testClock(new Date().toISOString());
  databases = await startTestDatabases();
  server = await startFreshServer(databases, { environment: { SAVEOS_AGENT_DIR: "/nowhere" }, clock });
  world = await tenantFixture(server.server);
  agent = await world.newAgent("first");
  otherAgent = await world.newAgent("second");
  snapshotId = await world.newSnapshot(agent);
  for (const owner of [world.people.owner, world.stranger])
    expect((await world.call(owner, "POST", "/api/v1/vault", new TestVault().request)).status).toBe(201);
  findingId = await newFinding();
  const revokedAgent = await world.newAgent("third");
  await world.call(world.people.owner, "POST", `/api/v1/agents/${revokedAgent.agentId}/revoke`);
  const ownersKey = (await world.newKey("owner")).key;
  const revoked = await world.newKey("owner");
  await world.call(world.people.owner, "DELETE", `/api/v1/api-keys/${revoked.id}`);
  who = {
    ...world.people,
    stranger: world.stranger,
    "owner's key": { bearer: ownersKey },
    "viewer's key": { bearer: (await world.newKey("viewer")).key },
    "narrow key": { bearer: (await world.newKey("owner", ["agents:read"])).key },
    agent: { bearer: agent.credential },
    "other agent": { bearer: otherAgent.credential },
    "revoked agent": { bearer: revokedAgent.credential },
    "expired key": { bearer: await expiredKey() },
    "revoked key": { bearer: revoked.key },
    "wrong key": { bearer: ownersKey.slice(0, -1) + (ownersKey.endsWith("A") ? "B" : "A") },
    nobody: undefined,
  };
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await databases.stop();
}, 60_000);

/** No API makes one: it comes of an object that isn't what it was. */
async function newFinding(): Promise<string> {
  const id = randomUUID();
  const now = clock.now();
  const object = { repository_id: agent.repositoryId, kind: "data", name: "0".repeat(64), size_bytes: 1 } as const;
  const found = { what: "damaged", state: "found", detail: "other bytes", found_at: now, changed_at: now } as const;
  const open = { next_reading_at: new Date(now.getTime() + 86_400_000), job_id: null, snapshots_at_risk: null };
  await server.fresh.databases
    .ofTenant(world.tenantId)
    .insertInto("verification_findings")
    .values({ id, ...object, ...found, ...open })
    .execute();
  return id;
}

/** A key that ran out a day ago. */
async function expiredKey(): Promise<string> {
  const body = { name: "short", role: "owner", expires_in_days: 1 };
  const made = await world.call(world.people.owner, "POST", "/api/v1/api-keys", body);
  clock.advance({ hours: 25 });
  return z.object({ key: z.string() }).parse(made.body).key;
}

async function newUndelete(): Promise<string> {
  const path = `/api/v1/repositories/${agent.repositoryId}/undelete`;
  const begun = await world.call(who.owner, "POST", path, { snapshot_id: snapshotId });
  return z.object({ id: z.string() }).parse(begun.body).id;
}

async function newGrant(): Promise<string> {
  const { id } = await world.newKey("owner");
  const path = `/api/v1/repositories/${otherAgent.repositoryId}/grants`;
  const made = await world.call(who.owner, "POST", path, { kind: "prune", api_key_id: id });
  return z.object({ id: z.string() }).parse(made.body).id;
}

/** No API makes one: it comes of a plan that would remove unusually much. */
async function newHeldDeletion(): Promise<string> {
  const [id, plan_id] = [randomUUID(), await world.newPlan()];
  const about = { id, plan_id, plan_version: 1, agent_id: otherAgent.agentId, repository_id: otherAgent.repositoryId };
  const undecided = { decision: null, decided_at: null, decided_by: null, job_id: null };
  const snapshots = { snapshot_count: 10, snapshot_ids: ["0".repeat(64)], held_at: clock.now() };
  await server.fresh.databases
    .ofTenant(world.tenantId)
    .insertInto("held_deletions")
    .values({ ...about, ...undecided, ...snapshots })
    .execute();
  return id;
}

async function newDelayedChange(): Promise<string> {
  await world.call(who.owner, "PATCH", `/api/v1/tenants/${world.tenantId}`, { quarantine_days: 13 });
  const list = await world.call(who.owner, "GET", "/api/v1/delayed-changes");
  const [change] = z
    .object({ delayed_changes: z.array(z.object({ id: z.string() })) })
    .parse(list.body).delayed_changes;
  return change?.id ?? "";
}

const roles: readonly Role[] = ["viewer", "operator", "administrator", "owner"];
const roleOf: Partial<Record<Caller, Role>> = {
  owner: "owner",
  administrator: "administrator",
  operator: "operator",
  viewer: "viewer",
  stranger: "owner",
  "owner's key": "owner",
  "viewer's key": "viewer",
  "narrow key": "owner",
};

/** What somebody gets by the tables above. */
function expected({ forWhom, ok, stranger, otherAgent: ofOther, path }: Rule, caller: Caller): number {
  if (forWhom === "anyone") return isUnknown(caller) && ok === 200 ? 200 : ok;
  if (isUnknown(caller)) return 401;
  const isAgent = caller === "agent" || caller === "other agent";
  if (forWhom === "agent") return isAgent ? (caller === "other agent" ? (ofOther ?? ok) : ok) : 403;
  if (forWhom === "person") {
    const isPerson = !isAgent && !caller.endsWith("key");
    if (!isPerson) return 403;
    return caller === "stranger" ? (stranger ?? ok) : ok;
  }
  const permission = forWhom.replace(" or agent", "") as Permission;
  if (isAgent) {
    if (!forWhom.endsWith(" or agent")) return 403;
    return caller === "other agent" ? (ofOther ?? ok) : ok;
  }
  const role = roleOf[caller] ?? "viewer";
  const may =
    roles.indexOf(role) >= roles.indexOf(least[permission]) &&
    (caller !== "narrow key" || permission === "agents:read");
  if (!may) return 403;
  return caller === "stranger" ? (stranger ?? (path === undefined ? ok : 404)) : ok;
}

/** A credential that opens nothing is as good as none. */
function isUnknown(caller: Caller): boolean {
  return ["revoked agent", "expired key", "revoked key", "wrong key", "nobody"].includes(caller);
}

async function statusOf(route: string, rule: Rule, caller: Caller): Promise<number> {
  const [method = "", pattern = ""] = route.split(" ");
  const place = /\{(\w+)\}/.exec(pattern)?.[1] ?? "";
  const resource = rule.path === undefined ? pattern : pattern.replace(`{${place}}`, await rule.path(place));
  const path = rule.query === undefined ? resource : `${resource}?${rule.query()}`;
  const body = await rule.body?.();
  if (route === "GET /api/v1/events") return await statusOfStream(path, caller);
  return (await world.call(who[caller], method, path, body)).status;
}

/** A stream has no end: its head is enough. */
async function statusOfStream(path: string, caller: Caller): Promise<number> {
  const headers: Record<string, string> = {};
  const credential = who[caller];
  if (credential !== undefined && "cookie" in credential) headers["cookie"] = credential.cookie;
  if (credential !== undefined && "bearer" in credential) headers["authorization"] = `Bearer ${credential.bearer}`;
  const hangUp = new AbortController();
  const { status } = await fetch(new URL(path, world.url), { headers, signal: hangUp.signal });
  hangUp.abort();
  return status;
}

describe("who may do what", () => {
  test.each(Object.entries(rules))("%s", async (route, rule) => {
    const found: Partial<Record<Caller, number>> = {};
    // Wrong credentials are counted by address and answered with 429 in the end: the window passes between the routes.
    clock.advance({ minutes: 2 });
    for (const caller of callers) found[caller] = await statusOf(route, rule, caller);
    expect(found).toEqual(Object.fromEntries(callers.map((caller) => [caller, expected(rule, caller)])));
  });

  test("every endpoint of the OpenAPI document is in the table, and says of itself who may use it", async () => {
    const { body } = await world.call(undefined, "GET", "/docs/json");
    const operation = z.object({ "x-for-whom": z.string(), security: z.array(z.record(z.string(), z.unknown())) });
    const { paths } = z.object({ paths: z.record(z.string(), z.record(z.string(), operation)) }).parse(body);
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, found]) => [`${method.toUpperCase()} ${path}`, found["x-for-whom"]]),
    );
    const written = Object.entries(rules).map(([route, { forWhom }]) => [route, forWhom]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(written));
  });
});
