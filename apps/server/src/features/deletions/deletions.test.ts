import { createHash, randomUUID } from "node:crypto";
import {
  auditList,
  type Grant,
  grant as grantSchema,
  grantList,
  type Quarantine,
  quarantine,
  repository as repositorySchema,
  type Undelete,
  undelete as undeleteSchema,
} from "@saveos/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import {
  type Credential,
  type FixtureAgent,
  headersOf,
  tenantFixture,
  type TenantFixture,
} from "../../testing/tenant-fixture.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { endExpiredGrants } from "./end-expired-grants.ts";

let clock: TestClock;
let databases: TestDatabases;
let server: FreshServer;
let world: TenantFixture;
let agent: FixtureAgent;
let key: { readonly id: string; readonly key: string };
/** Four of them, the oldest first. */
let snapshots: string[];

beforeAll(async () => {
  clock = testClock(new Date().toISOString());
  databases = await startTestDatabases();
  server = await startFreshServer(databases, { clock });
  world = await tenantFixture(server.server);
  key = await world.newKey("administrator");
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await databases.stop();
}, 60_000);
beforeEach(async () => {
  agent = await world.newAgent(`machine-${randomUUID()}`);
  await gateway("POST", "config", { bearer: agent.credential }, "config");
  snapshots = [];
  for (const _ of [1, 2, 3, 4]) snapshots.push(await world.newSnapshot(agent));
});

const administrator = () => world.people.administrator;
const place = (path: string) => `/api/v1/repositories/${agent.repositoryId}/${path}`;

async function grant(body: object, by: Credential = { bearer: key.key }) {
  return await world.call(by, "POST", place("grants"), body);
}

async function gateway(method: string, path: string, who: Credential = { bearer: key.key }, body?: string) {
  const url = new URL(`/restic/${agent.repositoryId}/${path}`, world.url);
  const answer = await fetch(url, { method, headers: headersOf(who), ...(body === undefined ? {} : { body }) });
  await answer.body?.cancel();
  return answer.status;
}

async function storeData(): Promise<string> {
  const text = randomUUID();
  const id = createHash("sha256").update(text).digest("hex");
  expect(await gateway("POST", `data/${id}`, { bearer: agent.credential }, text)).toBe(200);
  return id;
}

async function quarantined(query = ""): Promise<Quarantine> {
  return quarantine.parse((await world.call(world.people.viewer, "GET", `${place("quarantine")}${query}`)).body);
}

async function endAllGrants(): Promise<void> {
  const { grants } = grantList.parse((await world.call(administrator(), "GET", place("grants"))).body);
  for (const { id, ended_at } of grants)
    if (ended_at === null) await world.call(administrator(), "DELETE", `/api/v1/grants/${id}`);
}

async function forget(ids: readonly string[]): Promise<void> {
  expect((await grant({ kind: "forget", snapshot_ids: ids })).status).toBe(201);
  for (const id of ids) expect(await gateway("DELETE", `snapshots/${id}`)).toBe(200);
  await endAllGrants();
}

async function audited(action: string) {
  const list = await world.call(world.people.owner, "GET", "/api/v1/audit?limit=500");
  const { events } = auditList.parse(list.body);
  return events.filter((event) => event.action === action && event.subject.id === agent.repositoryId);
}

test("a key may make a grant for itself, a person for a key, and each is written down with what came of it", async () => {
  const [first, second] = [await storeData(), await storeData()];
  const own: Grant = grantSchema.parse((await grant({ kind: "prune" })).body);
  expect(own).toMatchObject({ kind: "prune", api_key_id: key.id, job_id: null, ended_at: null, deleted_objects: 0 });
  expect(Date.parse(own.expires_at) - clock.now().getTime()).toBe(3_600_000);
  for (const id of [first, second]) expect(await gateway("DELETE", `data/${id}`)).toBe(200);
  expect((await world.call(administrator(), "DELETE", `/api/v1/grants/${own.id}`)).status).toBe(204);
  expect((await world.call(administrator(), "DELETE", `/api/v1/grants/${own.id}`)).status).toBe(404);

  clock.advance({ seconds: 1 });
  const named = await grant({ kind: "keys", api_key_id: key.id, minutes: 5 }, administrator());
  expect(grantSchema.parse(named.body).api_key_id).toBe(key.id);
  const { grants } = grantList.parse((await world.call(administrator(), "GET", `${place("grants")}?limit=1`)).body);
  expect(grants).toMatchObject([{ kind: "keys" }]);
  expect(await audited("deletion.granted")).toHaveLength(2);
  expect(await audited("deletion.ended")).toMatchObject([
    { actor: { kind: "user" }, details: { grant_id: own.id, deleted_objects: 2, deleted_bytes: 72 } },
  ]);
});

test("a grant whose time is over is written down once", async () => {
  await grant({ kind: "prune", minutes: 1 });
  clock.advance({ minutes: 2 });
  for (const _ of [1, 2]) await endExpiredGrants({ databases: server.fresh.databases, clock });
  expect(await audited("deletion.ended")).toMatchObject([{ actor: { kind: "server" }, details: { kind: "prune" } }]);
});

test("a grant that makes no sense is refused", async () => {
  const revoked = await world.newKey("administrator");
  await world.call(world.people.owner, "DELETE", `/api/v1/api-keys/${revoked.id}`);
  const refused: readonly (readonly [object, Credential?])[] = [
    [{ kind: "forget" }],
    [{ kind: "prune", snapshot_ids: snapshots }],
    [{ kind: "repair" }],
    [{ kind: "prune", minutes: 24 * 60 + 1 }],
    [{ kind: "prune", max_delete_percent: 101 }],
    [{ kind: "prune", api_key_id: randomUUID() }],
    [{ kind: "prune", api_key_id: revoked.id }],
    // A person who signed in has no key.
    [{ kind: "prune" }, administrator()],
  ];
  for (const [body, by] of refused) expect([body, (await grant(body, by)).status]).toEqual([body, 400]);
  const elsewhere = `/api/v1/repositories/${randomUUID()}/grants`;
  expect((await world.call({ bearer: key.key }, "POST", elsewhere, { kind: "prune" })).status).toBe(404);
});

test("what was deleted is listed, the last first and in pages, with the day on which it is gone, and counts apart", async () => {
  // Three stay whatever is granted.
  for (const _ of [1, 2]) snapshots.push(await world.newSnapshot(agent));
  const gone = snapshots.slice(0, 3);
  await forget(gone);
  const first = await quarantined("?limit=2");
  expect(first.snapshots.map(({ id }) => id)).toEqual(gone.slice(1).toReversed());
  const [newest] = first.snapshots;
  expect(newest).toMatchObject({ agent_id: agent.agentId, job_id: null });
  expect(Date.parse(newest?.expires_at ?? "") - Date.parse(newest?.quarantined_at ?? "")).toBe(14 * 24 * 3_600_000);
  const rest = await quarantined(`?limit=2&cursor=${first.next_cursor}`);
  expect([rest.snapshots.map(({ id }) => id), rest.next_cursor]).toEqual([gone.slice(0, 1), null]);
  expect(rest).toMatchObject({ packs: 0, index_files: 0, keys: 0, bytes: 3 * 36 });
  const path = `/api/v1/repositories/${agent.repositoryId}`;
  expect(repositorySchema.parse((await world.call(world.people.viewer, "GET", path)).body)).toMatchObject({
    snapshots: 3,
    quarantined_objects: 3,
    quarantined_bytes: 3 * 36,
  });
  const metrics = await world.call({ bearer: key.key }, "GET", "/metrics");
  expect(metrics.body).toMatch(/^saveos_quarantined_objects [1-9]/m);
  expect(metrics.body).toContain("saveos_held_deletions 0");
});

async function untilBack({ id }: Undelete): Promise<Undelete> {
  for (;;) {
    const shown = await world.call(world.people.viewer, "GET", `/api/v1/undeletes/${id}`);
    const found = undeleteSchema.parse(shown.body);
    if (found.state === "completed") return found;
  }
}

test("a worker brings back what was asked for, and it is written down who asked", async () => {
  const [gone = ""] = snapshots;
  await forget([gone]);
  const asked = await world.call(administrator(), "POST", place("undelete"), { snapshot_id: gone });
  expect(asked.status).toBe(202);
  const done = await untilBack(undeleteSchema.parse(asked.body));
  expect(done).toMatchObject({ snapshot_id: gone, objects: 1, bytes: 36 });
  expect(await gateway("HEAD", `snapshots/${gone}`)).toBe(200);
  expect((await quarantined()).snapshots).toEqual([]);
  expect(await audited("snapshot.undelete-begun")).toMatchObject([{ actor: { kind: "user" } }]);
  expect(await audited("snapshot.undeleted")).toMatchObject([{ actor: { kind: "server" }, details: { objects: 1 } }]);
});

test("a snapshot is not brought back while something may be deleted, and one that never was isn't found", async () => {
  const [gone = ""] = snapshots;
  await forget([gone]);
  await grant({ kind: "prune" });
  const ask = async (snapshot_id: string) =>
    await world.call(administrator(), "POST", place("undelete"), { snapshot_id });
  expect(await ask(gone)).toMatchObject({ status: 409, body: { detail: expect.stringContaining("end the grant") } });
  await endAllGrants();
  expect((await ask("a".repeat(64))).status).toBe(404);
  expect((await ask(gone)).status).toBe(202);
});
