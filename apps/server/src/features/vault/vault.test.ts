import { randomUUID } from "node:crypto";
import {
  auditList,
  heartbeatResponse,
  passphraseList,
  problem,
  provisionResponse,
  rotationProgress,
  sealedPasswordList,
  vault as vaultSchema,
} from "@saveos/contract";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { type Credential, type FixtureAgent, tenantFixture, type TenantFixture } from "../../testing/tenant-fixture.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { lockedIdentity, sealedText, TestVault } from "../../testing/test-vault.ts";

let databases: TestDatabases;
let fresh: FreshServer;
let clock: TestClock;
let world: TenantFixture;
let owner: Credential;
let administrator: Credential;
/** What the tenant's vault is at first. */
let vault: TestVault;
let agent: FixtureAgent;

beforeAll(async () => {
  databases = await startTestDatabases();
  clock = testClock(new Date().toISOString());
  fresh = await startFreshServer(databases, { clock });
  world = await tenantFixture(fresh.server);
  ({ owner, administrator } = world.people);
});
afterAll(async () => {
  await fresh[Symbol.asyncDispose]();
  await databases.stop();
});

beforeEach(async () => {
  for (const table of ["sealed_passwords", "vault_passphrases", "vault_rotations", "vaults"])
    await sql`delete from ${sql.table(table)}`.execute(fresh.fresh.owner);
  await sql`update agents set revoked_at = now()`.execute(fresh.fresh.owner);
  vault = new TestVault();
  agent = await world.newAgent(`machine-${randomUUID()}`);
});

async function call(who: Credential, method: string, path: string, body?: unknown) {
  return await world.call(who, method, `/api/v1/vault${path}`, body);
}
const makeVault = async () => await call(owner, "POST", "", vault.request);
const shown = async () => vaultSchema.parse((await call(owner, "GET", "")).body);
const detailOf = (answer: { body: unknown }) => problem.parse(answer.body).detail;
const passphrases = async () => passphraseList.parse((await call(owner, "GET", "/passphrases")).body).passphrases;
const sealedPasswords = async (query = "") =>
  sealedPasswordList.parse((await call(owner, "GET", `/sealed-passwords${query}`)).body).sealed_passwords;
const progress = async () => rotationProgress.parse((await call(owner, "GET", "/rotation")).body);

async function seal(by: FixtureAgent, generation = 1, sealed = sealedText()) {
  return await world.call({ bearer: by.credential }, "PUT", "/api/v1/agents/sealed-password", { generation, sealed });
}

async function rotate(from: TestVault, to: TestVault, names = null as unknown) {
  const passphrase = { label: "owner", locked_identity: lockedIdentity };
  return await call(owner, "POST", "/rotation", { rotation: from.rotationTo(to), passphrases: [passphrase], names });
}

async function reseal(by: FixtureAgent, generation: number, who = owner) {
  const { repositoryId: repository_id, agentId: agent_id } = by;
  return await call(who, "POST", "/sealed-passwords", { repository_id, agent_id, generation, sealed: sealedText() });
}

async function audited(action: string) {
  const { body } = await world.call(owner, "GET", `/api/v1/audit?action=${action}`);
  return auditList.parse(body).events;
}

async function beat(vault_version?: number, wait_seconds = 0) {
  const { hostname, credential } = agent;
  const facts = { hostname, agent_version: "0.1.0", machine_id: hostname, session_id: session(), time_zone: "UTC" };
  const body = { ...facts, running_jobs: [], wait_seconds, vault_version };
  const answer = await world.call({ bearer: credential }, "POST", "/api/v1/agents/heartbeat", body);
  return heartbeatResponse.parse(answer.body);
}
const sessions = new Map<FixtureAgent, string>();
const session = () => sessions.get(agent) ?? (sessions.set(agent, randomUUID()), sessions.get(agent));

describe("a vault", () => {
  test("is made once, by an owner, and shown to everybody in the tenant", async () => {
    expect((await call(owner, "GET", "")).status).toBe(404);
    expect((await makeVault()).status).toBe(201);
    expect(vaultSchema.parse((await call(world.people.viewer, "GET", "")).body)).toMatchObject({
      ...vault.pin,
      names_visible: false,
      rotations: [],
      passphrases: 1,
      sealed_repositories: 0,
      is_rotating: false,
    });
    const again = await call(owner, "POST", "", new TestVault().request);
    expect(again.status).toBe(409);
    expect(await shown()).toMatchObject(vault.pin);
    expect((await audited("vault.created"))[0]).toMatchObject({
      actor: { kind: "user" },
      details: { passphrase: "owner" },
    });
  });

  test("that two owners make at the same moment is made once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => call(owner, "POST", "", new TestVault().request)),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409]);
    expect(await passphrases()).toHaveLength(1);
  });

  test("of another tenant is nobody's business", async () => {
    await makeVault();
    await seal(agent);
    for (const path of ["", "/rotation"]) expect((await call(world.stranger, "GET", path)).status).toBe(404);
    expect((await call(world.stranger, "GET", "/passphrases")).body).toEqual({ passphrases: [] });
    expect((await call(world.stranger, "GET", "/sealed-passwords")).body).toMatchObject({ sealed_passwords: [] });
    const [passphrase] = await passphrases();
    expect((await call(world.stranger, "GET", `/passphrases/${passphrase?.id}`)).status).toBe(404);
  });

  test.each([
    ["an identity in the clear", { locked_identity: "AGE-SECRET-KEY-1QQQ" }],
    [
      "an endless one",
      {
        locked_identity: `-----BEGIN AGE ENCRYPTED FILE-----\n${"A".repeat(20_000)}\n-----END AGE ENCRYPTED FILE-----\n`,
      },
    ],
    ["the passphrase beside it", { passphrase: "wooden clock" }],
  ])("with %s is refused", async (_what, change) => {
    const { passphrase, ...request } = vault.request;
    const answer = await call(owner, "POST", "", { ...request, passphrase: { ...passphrase, ...change } });
    expect(answer.status).toBe(400);
  });
});

describe("a passphrase", () => {
  const add = async (who: Credential, label: string, generation = 1) =>
    await call(who, "POST", "/passphrases", { label, locked_identity: lockedIdentity, generation });

  beforeEach(async () => void (await makeVault()));

  test("is added by whoever can open the vault, each under a name of its own", async () => {
    expect((await add(administrator, "Bob")).status).toBe(201);
    const again = await add(administrator, "Bob");
    expect([again.status, detailOf(again)]).toEqual([409, expect.stringContaining("Bob")]);
    expect((await passphrases()).map(({ label }) => label).toSorted()).toEqual(["Bob", "owner"]);
    expect(JSON.stringify(await passphrases())).not.toContain("BEGIN AGE");
    expect((await audited("vault.passphrase-added"))[0]).toMatchObject({ subject: { name: "Bob" } });
  });

  test("locks an identity that is handed out to administrators, and written down", async () => {
    const [passphrase] = await passphrases();
    const fetched = await call(administrator, "GET", `/passphrases/${passphrase?.id}`);
    expect(fetched.body).toMatchObject({ label: "owner", locked_identity: lockedIdentity });
    expect((await call(world.people.operator, "GET", `/passphrases/${passphrase?.id}`)).status).toBe(403);
    expect((await passphrases())[0]?.last_fetched_at).toBe(clock.now().toISOString());
    expect((await audited("vault.identity-fetched"))[0]).toMatchObject({ subject: { id: passphrase?.id } });
  });

  test("is fetched so often in a quarter of an hour and no more, each caller for themselves", async () => {
    const [passphrase] = await passphrases();
    const fetch = async (who: Credential) => (await call(who, "GET", `/passphrases/${passphrase?.id}`)).status;
    clock.advance({ minutes: 16 });
    for (let i = 0; i < 60; i += 1) expect(await fetch(administrator)).toBe(200);
    expect(await fetch(administrator)).toBe(429);
    expect(await fetch(owner)).toBe(200);
    clock.advance({ minutes: 16 });
    expect(await fetch(administrator)).toBe(200);
  });

  test("that was wrong is counted, for the others to see", async () => {
    const [passphrase] = await passphrases();
    for (let i = 0; i < 3; i += 1)
      expect((await call(administrator, "POST", `/passphrases/${passphrase?.id}/wrong`)).status).toBe(204);
    expect((await passphrases())[0]?.wrong_tries).toBe(3);
    expect((await audited("vault.passphrase-wrong"))[0]).toMatchObject({ subject: { name: "owner" } });
  });

  test("is removed by owners, but never the last", async () => {
    await add(administrator, "Bob");
    const all = await passphrases();
    const [first, bob] = ["owner", "Bob"].map((name) => all.find(({ label }) => label === name));
    expect((await call(administrator, "DELETE", `/passphrases/${bob?.id}`)).status).toBe(403);
    expect((await call(owner, "DELETE", `/passphrases/${first?.id}`)).status).toBe(204);
    const last = await call(owner, "DELETE", `/passphrases/${bob?.id}`);
    expect([last.status, detailOf(last)]).toEqual([409, expect.stringContaining("last passphrase")]);
    expect((await passphrases()).map(({ label }) => label)).toEqual(["Bob"]);
  });

  test("of two that are removed at the same moment one stays", async () => {
    await add(administrator, "Bob");
    const answers = await Promise.all(
      (await passphrases()).map(async ({ id }) => await call(owner, "DELETE", `/passphrases/${id}`)),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 409]);
  });

  test("for an identity that the vault no longer has is refused", async () => {
    await rotate(vault, new TestVault(2));
    expect((await add(administrator, "Bob", 1)).status).toBe(409);
    expect((await add(administrator, "Bob", 2)).status).toBe(201);
  });
});

describe("a sealed password", () => {
  beforeEach(async () => void (await makeVault()));

  test("is the agent's own, and comes with whose it is", async () => {
    const sealed = sealedText();
    expect((await seal(agent, 1, sealed)).status).toBe(204);
    expect(await sealedPasswords()).toMatchObject([
      {
        repository_id: agent.repositoryId,
        agent_id: agent.agentId,
        hostname: agent.hostname,
        generation: 1,
        kept_as: "first",
        sealed,
      },
    ]);
    expect(await shown()).toMatchObject({ sealed_repositories: 1 });
    expect((await audited("vault.password-sealed"))[0]).toMatchObject({ actor: { kind: "agent", id: agent.agentId } });
  });

  test("that an agent sealed first is never replaced, whatever it seals later: it may have been taken over", async () => {
    const [first, second, third] = [sealedText(), sealedText(), sealedText()];
    for (const sealed of [first, second, third]) await seal(agent, 1, sealed);
    const kept = await sealedPasswords(`?repository_id=${agent.repositoryId}`);
    expect(Object.fromEntries(kept.map(({ kept_as, sealed }) => [kept_as, sealed]))).toEqual({ first, last: third });
  });

  test("for another generation than the vault's is refused", async () => {
    const answer = await seal(agent, 2);
    expect([answer.status, detailOf(answer)]).toEqual([409, expect.stringContaining("generation 1")]);
    expect(await sealedPasswords()).toEqual([]);
  });

  test.each([
    "",
    "x".repeat(20_000),
    "hunter2, in the clear and a little longer so that nobody takes it for short, but still in the clear",
  ])("that can't be one is refused", async (sealed) => {
    expect((await seal(agent, 1, sealed)).status).toBe(400);
  });

  test("is listed in pages", async () => {
    const others = [await world.newAgent(`b-${randomUUID()}`), await world.newAgent(`c-${randomUUID()}`)];
    for (const each of [agent, ...others]) await seal(each);
    const first = sealedPasswordList.parse((await call(owner, "GET", "/sealed-passwords?limit=2")).body);
    const second = sealedPasswordList.parse(
      (await call(owner, "GET", `/sealed-passwords?limit=2&cursor=${first.next_cursor}`)).body,
    );
    const ids = [...first.sealed_passwords, ...second.sealed_passwords].map(({ agent_id }) => agent_id);
    expect(new Set(ids)).toEqual(new Set([agent, ...others].map(({ agentId }) => agentId)));
    expect(second.next_cursor).toBeNull();
    expect((await audited("vault.passwords-fetched"))[0]).toMatchObject({ details: { count: 1 } });
  });
});

describe("a rotation", () => {
  let next: TestVault;

  beforeEach(async () => {
    await makeVault();
    next = new TestVault(2);
  });

  test("moves the vault, and is done when every machine has sealed its password again", async () => {
    const other = await world.newAgent(`other-${randomUUID()}`);
    for (const each of [agent, other]) await seal(each);
    expect((await rotate(vault, next)).status).toBe(201);
    expect(await shown()).toMatchObject({ ...next.pin, is_rotating: true, waiting: 2, sealed_repositories: 0 });
    expect((await progress()).agents).toMatchObject([{ sealed_generation: 1 }, { sealed_generation: 1 }]);
    await seal(agent, 2);
    expect((await progress()).agents.map(({ hostname }) => hostname)).toEqual([other.hostname]);
    expect((await passphrases()).map(({ generation }) => generation)).toEqual([2, 1]);
    await seal(other, 2);
    expect(await progress()).toEqual({ generation: 2, is_done: true, agents: [], repositories: [] });
    expect(await shown()).toMatchObject({ is_rotating: false, waiting: 0, sealed_repositories: 2 });
    expect((await passphrases()).map(({ generation }) => generation)).toEqual([2]);
    expect((await sealedPasswords()).map(({ generation }) => generation)).toEqual([2, 2]);
    expect((await audited("vault.rotation-finished"))[0]).toMatchObject({ details: { generation: 2 } });
  });

  test("keeps the older identity for a machine that is gone, until somebody has sealed its password again", async () => {
    await seal(agent);
    await world.call(owner, "POST", `/api/v1/agents/${agent.agentId}/revoke`);
    await rotate(vault, next);
    expect(await progress()).toMatchObject({ is_done: false, agents: [], repositories: [agent.repositoryId] });
    expect((await passphrases()).map(({ generation }) => generation)).toEqual([2, 1]);
    expect((await reseal(agent, 2, administrator)).status).toBe(403);
    expect((await reseal(agent, 2)).status).toBe(204);
    expect(await progress()).toMatchObject({ is_done: true });
    expect((await sealedPasswords()).map(({ kept_as }) => kept_as)).toEqual(["resealed"]);
  });

  test("waits for a machine that is there to seal by itself, though somebody else has sealed for it", async () => {
    await seal(agent);
    await rotate(vault, next);
    await reseal(agent, 2);
    expect(await progress()).toMatchObject({ is_done: false, repositories: [] });
    await seal(agent, 2);
    expect(await progress()).toMatchObject({ is_done: true });
    expect((await sealedPasswords()).map(({ kept_as }) => kept_as).toSorted()).toEqual(["first", "resealed"]);
  });

  test("is done when the last machine that it waited for is revoked, and what that one sealed is not lost", async () => {
    const other = await world.newAgent(`other-${randomUUID()}`);
    for (const each of [agent, other]) await seal(each);
    await rotate(vault, next);
    await seal(agent, 2);
    await reseal(other, 2);
    expect(await shown()).toMatchObject({ waiting: 1, is_rotating: true });
    await world.call(owner, "POST", `/api/v1/agents/${other.agentId}/revoke`);
    expect(await shown()).toMatchObject({ waiting: 0, is_rotating: false });
    expect((await sealedPasswords()).map(({ agent_id }) => agent_id).toSorted()).toEqual(
      [agent.agentId, other.agentId].toSorted(),
    );
  });

  test("needs nothing to be sealed again where a machine's successor has sealed its own", async () => {
    await seal(agent);
    const body = { hostname: "successor", repository_id: agent.repositoryId };
    const { enrolment } = provisionResponse.parse(
      (await world.call(owner, "POST", "/api/v1/agents/provision", body)).body,
    );
    expect(enrolment.vault).toEqual(vault.pin);
    await world.call(owner, "POST", `/api/v1/agents/${agent.agentId}/revoke`);
    await rotate(vault, next);
    expect((await progress()).is_done).toBe(true);
  });

  test("may be followed by another before it is done: the oldest identity stays as long as something needs it", async () => {
    await seal(agent);
    await rotate(vault, next);
    const third = new TestVault(3);
    expect((await rotate(next, third)).status).toBe(201);
    expect((await passphrases()).map(({ generation }) => generation)).toEqual([3, 2, 1]);
    await seal(agent, 3);
    expect((await passphrases()).map(({ generation }) => generation)).toEqual([3]);
    expect((await shown()).rotations).toHaveLength(2);
  });

  test("that nothing waits for is done at once", async () => {
    await world.call(owner, "POST", `/api/v1/agents/${agent.agentId}/revoke`);
    await rotate(vault, next);
    expect(await shown()).toMatchObject({ generation: 2, is_rotating: false, waiting: 0 });
  });

  test("that another vault has signed is refused, and so is one to itself, back, or further than the next", async () => {
    const stranger = new TestVault();
    const forged = { ...vault.rotationTo(next), signature: stranger.rotationTo(next).signature };
    const body = (rotation: unknown) => ({
      rotation,
      passphrases: [{ label: "owner", locked_identity: lockedIdentity }],
    });
    expect((await call(owner, "POST", "/rotation", body(forged))).status).toBe(400);
    expect((await rotate(stranger, next)).status).toBe(400);
    expect((await rotate(vault, new TestVault(3))).status).toBe(409);
    expect((await rotate(vault, new TestVault(1))).status).toBe(409);
    await rotate(vault, next);
    expect((await rotate(vault, new TestVault(2))).status).toBe(400);
    expect(await shown()).toMatchObject(next.pin);
  });

  test("of which many come at the same moment happens once", async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => rotate(vault, new TestVault(2))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect((await shown()).rotations).toHaveLength(1);
  });

  test("takes nothing that no agent has sealed, and nothing twice", async () => {
    await rotate(vault, next);
    expect((await reseal(agent, 2)).status).toBe(404);
    await seal(agent, 2);
    expect((await reseal(agent, 2)).status).toBe(204);
    expect((await reseal(agent, 2)).status).toBe(409);
  });
});

describe("a choice about names", () => {
  beforeEach(async () => void (await makeVault()));
  const choose = async (names: unknown, who = owner) => await call(who, "PUT", "/names", { names });

  test("counts when the vault has signed it, and the newest is the one", async () => {
    expect((await choose(vault.names(true, 1))).body).toMatchObject({ names_visible: true });
    expect((await choose(vault.names(false, 2))).body).toMatchObject({ names_visible: false });
    expect((await choose(vault.names(true, 1))).status).toBe(409);
    expect((await choose(vault.names(true, 2))).status).toBe(409);
    expect((await choose(new TestVault().names(true, 3))).status).toBe(400);
    expect((await choose(vault.names(true, 3), administrator)).status).toBe(403);
    expect(await shown()).toMatchObject({ names_visible: false });
    expect((await audited("vault.names-changed"))[0]).toMatchObject({ details: { visible: false } });
  });

  test("is not the next vault's: that one begins with hidden names, or with its own choice", async () => {
    await choose(vault.names(true, 1));
    const next = new TestVault(2);
    expect((await rotate(vault, next, vault.names(true, 2))).status).toBe(400);
    await rotate(vault, next);
    expect(await shown()).toMatchObject({ names_visible: false, names: null });
    const third = new TestVault(3);
    await rotate(next, third, third.names(true, 1));
    expect(await shown()).toMatchObject({ names_visible: true });
  });
});

describe("an agent hears of the vault", () => {
  test("when it has heard of another one, and not again", async () => {
    expect((await beat(0)).vault).toBeUndefined();
    await makeVault();
    expect((await beat(0)).vault).toEqual({ version: 1, ...vault.pin, rotations: [], names: null });
    expect((await beat(1)).vault).toBeUndefined();
    expect((await beat()).vault).toBeUndefined();
    const next = new TestVault(2);
    await rotate(vault, next);
    expect((await beat(1)).vault).toEqual({
      version: 2,
      ...next.pin,
      rotations: [vault.rotationTo(next)],
      names: null,
    });
  });

  test("when there is none any more", async () => {
    expect((await beat(3)).vault).toBeNull();
  });

  test("at once, though it waits for orders", async () => {
    await makeVault();
    await beat(1);
    const waiting = beat(1, 30);
    const startedAt = performance.now();
    await call(owner, "PUT", "/names", { names: vault.names(true, 1) });
    expect((await waiting).vault).toMatchObject({ version: 2 });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  test("in its enrolment file, if there is one then", async () => {
    const provision = async () =>
      provisionResponse.parse((await world.call(owner, "POST", "/api/v1/agents/provision", { hostname: "new" })).body);
    expect((await provision()).enrolment).not.toHaveProperty("vault");
    await makeVault();
    expect((await provision()).enrolment.vault).toEqual(vault.pin);
  });
});
