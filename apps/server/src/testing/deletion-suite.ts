import { type Kysely, sql } from "kysely";
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Databases } from "../database/databases.ts";
import type { Database } from "../database/schema.ts";
import { purgeQuarantine } from "../features/deletions/purge-quarantine.ts";
import { bringBack, continueUndelete, reviveUndeletes, startUndelete } from "../features/deletions/undelete.ts";
import { grantToJob, type NewGrant, reconcileLedger, storageStats } from "../gateway/index.ts";
import { hashedKinds } from "../object-store/object-name.ts";
import type { ObjectStorage } from "../object-store/object-storage.ts";
import { faultyObjects } from "./faulty-objects.ts";
import { type Answer, type Caller, startGateway, type TestGateway } from "./gateway-fixture.ts";
import { hashedObject, listAll, sha256Of } from "./object-storage-suite.ts";
import { RememberingQueue } from "./remembering-queue.ts";
import { type TestClock, testClock } from "./test-clock.ts";
import { type FreshDatabase, startTestDatabases, type TestDatabases } from "./test-databases.ts";

/** PostgreSQL's start and the removal of its files are slow on a busy machine. */
const hookTimeoutMs = 60_000;

/** What the gateway promises about deletion, over the storage that `makeObjects` gives. */
export function deletionSuite(name: string, makeObjects: () => Promise<ObjectStorage>): void {
  describe(`deletion through the gateway on ${name}:`, () => {
    let servers: TestDatabases;
    let fresh: FreshDatabase;
    let database: Kysely<Database>;
    let clock: TestClock;
    beforeAll(async () => {
      servers = await startTestDatabases();
      fresh = await servers.fresh();
      ({ database } = fresh);
    }, hookTimeoutMs);
    beforeEach(async () => {
      // The ledger's times are the database's.
      clock = testClock(new Date().toISOString());
      await sql`truncate repositories cascade`.execute(fresh.owner);
    });
    afterAll(async () => await servers.stop(), hookTimeoutMs);

    async function newGateway(
      objects?: ObjectStorage,
      options: Parameters<typeof startGateway>[2] = {},
    ): Promise<TestGateway> {
      const gateway = await startGateway(fresh, objects ?? (await makeObjects()), { clock, ...options });
      expect((await gateway.call("POST", `${gateway.repository}/?create=true`)).status).toBe(200);
      expect((await post(gateway, "config", Buffer.from("config"))).status).toBe(200);
      return gateway;
    }

    /** A job of the gateway's agent, and the token of its grant. */
    async function newJob(
      { agentId, repository }: Pick<TestGateway, "agentId" | "repository">,
      wanted: Partial<NewGrant> & Pick<NewGrant, "kind">,
    ): Promise<{ readonly jobId: string; readonly token: string }> {
      const jobId = randomUUID();
      const job = { id: jobId, agent_id: agentId, kind: "prune" as const, state: "running" as const };
      const times = { requested_at: clock.now(), started_at: clock.now(), lease_expires_at: later(clock, 15) };
      const nothing = {
        delivered_session_id: null,
        delivered_at: null,
        finished_at: null,
        summary: null,
        reason: null,
      };
      await database
        .insertInto("jobs")
        .values({
          ...job,
          ...times,
          ...nothing,
          order: "{}",
          progress: null,
          snapshot_id: null,
          plan_id: null,
          due_at: null,
        })
        .execute();
      const { token } = await grantToJob({ database, clock }, jobId, { repositoryId: repository, ...wanted });
      return { jobId, token };
    }

    test("without a grant nobody deletes anything but locks", async () => {
      const gateway = await newGateway();
      for (const as of ["agent", "administrator", "otherKey", "person"] as const)
        for (const kind of hashedKinds) {
          const path = await stored(gateway, kind);
          expect([as, kind, (await remove(gateway, path, as)).status]).toEqual([
            as,
            kind,
            kind === "locks" ? 200 : 403,
          ]);
          expect((await gateway.call("HEAD", `${gateway.repository}/${path}`)).status).toBe(
            kind === "locks" ? 404 : 200,
          );
        }
    });

    test("a grant of one kind lets delete what it is for, and never the config", async () => {
      const gateway = await newGateway();
      const allowed = { forget: ["snapshots"], prune: ["data", "index"], keys: ["keys"] } as const;
      for (const _ of [1, 2, 3]) await stored(gateway, "snapshots");
      await stored(gateway, "keys");
      for (const [kind, kinds] of Object.entries(allowed) as [keyof typeof allowed, readonly string[]][]) {
        for (const other of ["data", "index", "keys", "snapshots"] as const) {
          const path = await stored(gateway, other);
          const names = kind === "forget" ? { names: [nameIn(path)] } : {};
          const grantId = await gateway.letDelete(kind, names);
          const expected = kinds.includes(other) ? 200 : 403;
          expect([kind, other, (await remove(gateway, path, "administrator")).status]).toEqual([kind, other, expected]);
          expect((await remove(gateway, "config", "administrator")).status).toBe(403);
          await endGrant(database, grantId);
        }
      }
    });

    test("a grant to forget is for the named snapshots only", async () => {
      const gateway = await newGateway();
      const paths = [];
      for (let count = 0; count < 6; count++) paths.push(await stored(gateway, "snapshots"));
      const [named = "", ...others] = paths;
      await gateway.letDelete("forget", { names: [nameIn(named)] });
      for (const path of others) expect((await remove(gateway, path, "administrator")).status).toBe(403);
      expect((await remove(gateway, named, "administrator")).status).toBe(200);
    });

    test("what a plan's forget names stays if the plan keeps it at that moment", async () => {
      const kept = new Set<string>();
      const gateway = await newGateway(undefined, { isRemovable: async (_, { snapshotId }) => !kept.has(snapshotId) });
      const paths = [];
      for (let count = 0; count < 6; count++) paths.push(await stored(gateway, "snapshots"));
      const planId = randomUUID();
      const { token } = await newJob(gateway, { kind: "forget", names: paths.map(nameIn), planId });
      const [first = "", second = ""] = paths;
      kept.add(nameIn(first));
      expect((await remove(gateway, first, "agent", token)).status).toBe(403);
      expect((await remove(gateway, second, "agent", token)).status).toBe(200);
      kept.clear();
      expect((await remove(gateway, first, "agent", token)).status).toBe(200);
    });

    test("three snapshots stay, however many deletions come at one moment", async () => {
      const gateway = await newGateway();
      const paths = [];
      for (let count = 0; count < 8; count++) paths.push(await stored(gateway, "snapshots"));
      await gateway.letDelete("forget", { names: paths.map(nameIn) });
      const answers = await Promise.all(paths.map(async (path) => await remove(gateway, path, "administrator")));
      expect(statuses(answers)).toEqual([200, 200, 200, 200, 200, 403, 403, 403]);
      expect(await listAll(gateway.objects, gateway.repository, "snapshots")).toHaveLength(3);
      expect(detailOf(answers.find(({ status }) => status === 403))).toBe(
        "At least 3 snapshots of a repository always stay.",
      );
    });

    test("a prune deletes no more than its share, however many deletions come at one moment", async () => {
      const gateway = await newGateway();
      const paths = [];
      for (let count = 0; count < 10; count++) paths.push(await stored(gateway, "data", 1000));
      const { token } = await newJob(gateway, { kind: "prune", maxDeletePercent: 50 });
      const answers = await Promise.all(paths.map(async (path) => await remove(gateway, path, "agent", token)));
      // Half of ten packs and the config.
      expect(statuses(answers)).toEqual([200, 200, 200, 200, 200, 403, 403, 403, 403, 403]);
      expect(detailOf(answers.find(({ status }) => status === 403))).toContain(
        "a person must order it with a larger share",
      );
      // The same ones again, as after answers that got lost: they count once.
      const again = await Promise.all(paths.map(async (path) => await remove(gateway, path, "agent", token)));
      expect(again.map(({ status }) => status)).toEqual(answers.map(({ status }) => status));
    });

    test("a job's grant is worth nothing without its token, in other hands, elsewhere, and after the job", async () => {
      const gateway = await newGateway();
      const other = await newJob(gateway, { kind: "prune" });
      const { jobId, token } = await newJob(gateway, { kind: "prune" });
      const ofOtherKind = await newJob(gateway, { kind: "keys" });
      const path = await stored(gateway, "data");
      const wrong = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
      for (const bad of [undefined, "", "x", wrong, ofOtherKind.token])
        expect((await remove(gateway, path, "agent", bad)).status).toBe(403);
      for (const as of ["administrator", "otherKey", "person"] as const)
        expect((await remove(gateway, path, as, token)).status).toBe(403);
      expect((await remove(gateway, path, "otherAgent", token)).status).toBe(404);

      const elsewhere = await newGateway(gateway.objects);
      const far = await stored(elsewhere, "data");
      expect((await remove(elsewhere, far, "agent", token)).status).toBe(403);
      const aboutFar = await newJob({ agentId: gateway.agentId, repository: elsewhere.repository }, { kind: "prune" });
      expect((await remove(elsewhere, far, "agent", aboutFar.token)).status).toBe(403);
      expect((await remove(gateway, path, "agent", aboutFar.token)).status).toBe(403);

      // Of the jobs of one agent, each has its own; a lost one's, an ended one's and an expired one's are over.
      await database
        .updateTable("jobs")
        .set({ state: "completed", finished_at: clock.now(), lease_expires_at: null })
        .where("id", "=", other.jobId)
        .execute();
      expect((await remove(gateway, path, "agent", other.token)).status).toBe(403);
      await database
        .updateTable("jobs")
        .set({ lease_expires_at: later(clock, -1) })
        .where("id", "=", jobId)
        .execute();
      expect((await remove(gateway, path, "agent", token)).status).toBe(403);
      await database
        .updateTable("jobs")
        .set({ lease_expires_at: later(clock, 60 * 24 * 9) })
        .where("id", "=", jobId)
        .execute();
      clock.advance({ hours: 25 });
      expect((await remove(gateway, path, "agent", token)).status).toBe(403);
      clock.advance({ hours: -25 });
      expect((await remove(gateway, path, "agent", token)).status).toBe(200);
    });

    test("an order that is given again has another token, and each of them works", async () => {
      const gateway = await newGateway();
      const { jobId, token } = await newJob(gateway, { kind: "prune" });
      const again = await grantToJob({ database, clock }, jobId, { repositoryId: gateway.repository, kind: "prune" });
      expect([again.isFirst, again.token === token]).toEqual([false, false]);
      for (const each of [token, again.token])
        expect((await remove(gateway, await stored(gateway, "data"), "agent", each)).status).toBe(200);
      const { rows } = await sql<{ text: string }>`select deletion_grants::text as text from deletion_grants`.execute(
        database,
      );
      for (const each of [token, again.token]) expect(rows[0]?.text).not.toContain(each.split("_").at(-1));
    });

    test("a key's grant is for that key, and ends when its time is over or somebody ends it", async () => {
      const gateway = await newGateway();
      const grantId = await gateway.letDelete("prune");
      for (const as of ["otherKey", "person", "agent"] as const)
        expect((await remove(gateway, await stored(gateway, "data"), as)).status).toBe(403);
      expect((await remove(gateway, await stored(gateway, "data"), "administrator")).status).toBe(200);
      clock.advance({ minutes: 61 });
      expect((await remove(gateway, await stored(gateway, "data"), "administrator")).status).toBe(403);
      clock.advance({ minutes: -61 });
      await endGrant(database, grantId);
      expect((await remove(gateway, await stored(gateway, "data"), "administrator")).status).toBe(403);
    });

    test("a repair deletes the packs that its order names, and index files", async () => {
      const gateway = await newGateway();
      const [named, other] = [await stored(gateway, "data"), await stored(gateway, "data")];
      const index = await stored(gateway, "index");
      const { token } = await newJob(gateway, { kind: "repair", names: [nameIn(named)] });
      expect((await remove(gateway, other, "agent", token)).status).toBe(403);
      expect((await remove(gateway, named, "agent", token)).status).toBe(200);
      expect((await remove(gateway, index, "agent", token)).status).toBe(200);
    });

    test("what was deleted is kept apart: out of the ledger, the lists and the quota, with the time at which it came", async () => {
      const gateway = await newGateway();
      const path = await stored(gateway, "data", 500);
      const [before] = await rowsOf("objects", path);
      const grantId = await gateway.letDelete("prune");
      expect((await remove(gateway, path, "administrator")).status).toBe(200);
      expect(await rowsOf("objects", path)).toEqual([]);
      expect(await rowsOf("quarantined_objects", path)).toMatchObject([
        { size_bytes: 500n, stored_at: before?.stored_at, stored_by_agent: gateway.agentId, grant_id: grantId },
      ]);
      expect((await storageStats(database)).storedBytes).toBe("config".length);
      const [grant] = await database.selectFrom("deletion_grants").selectAll().execute();
      expect(grant).toMatchObject({ deleted_objects: 1n, deleted_bytes: 500n });
    });

    async function rowsOf(table: "objects" | "quarantined_objects", path: string) {
      const { rows } = await sql<{ stored_at: Date; deleting_since: Date | null }>`
        select * from ${sql.table(table)} where name = ${nameIn(path)}`.execute(database);
      return rows;
    }

    /** The object is in one of the two places, and the rows say the same. */
    async function expectWhole({ objects, repository }: TestGateway, path: string, where: "stored" | "quarantined") {
      const kind = path.startsWith("snapshots") ? "snapshots" : "data";
      const there = (await listAll(objects, repository, kind)).some((each) => each.name === nameIn(path));
      const held: string[] = [];
      for await (const batch of objects.listQuarantine(repository, kind)) held.push(...batch.map((each) => each.name));
      expect([there, held.includes(nameIn(path))]).toEqual([where === "stored", where === "quarantined"]);
      expect(await rowsOf("objects", path)).toHaveLength(where === "stored" ? 1 : 0);
      expect(await rowsOf("quarantined_objects", path)).toHaveLength(where === "quarantined" ? 1 : 0);
    }

    for (const when of ["before", "after"] as const) {
      test(`a deletion that was cut off ${when} the object moved is done by asking again`, async () => {
        const faulty = faultyObjects(await makeObjects());
        const gateway = await newGateway(faulty.objects);
        await gateway.letDelete("prune");
        const path = await stored(gateway, "data");
        const [before] = await rowsOf("objects", path);
        faulty.failAt(1, when);
        expect((await remove(gateway, path, "administrator")).status).toBe(503);
        faulty.heal();
        expect((await remove(gateway, path, "administrator")).status).toBe(200);
        await expectWhole(gateway, path, "quarantined");
        expect(await rowsOf("quarantined_objects", path)).toMatchObject([{ stored_at: before?.stored_at }]);
      });

      test(`a deletion that was cut off ${when} the object moved, and never asked for again, is settled by reconciling`, async () => {
        const faulty = faultyObjects(await makeObjects());
        const gateway = await newGateway(faulty.objects);
        await gateway.letDelete("prune");
        const path = await stored(gateway, "data");
        const [before] = await rowsOf("objects", path);
        faulty.failAt(1, when);
        expect((await remove(gateway, path, "administrator")).status).toBe(503);
        faulty.heal();
        // It may be going on for all that reconciling knows.
        await reconcileLedger(gateway, gateway.repository);
        expect((await rowsOf("objects", path))[0]?.deleting_since).not.toBeNull();
        await sql`update objects set deleting_since = deleting_since - interval '2 hours'`.execute(fresh.owner);
        await reconcileLedger(gateway, gateway.repository);
        await expectWhole(gateway, path, when === "before" ? "stored" : "quarantined");
        const [row] = await rowsOf(when === "before" ? "objects" : "quarantined_objects", path);
        expect(row?.stored_at).toEqual(before?.stored_at);
      });
    }

    test("an object that is in quarantine without a row gets one", async () => {
      const gateway = await newGateway();
      const bytes = randomBytes(30);
      await post(gateway, `data/${sha256Of(bytes)}`, bytes);
      await gateway.objects.quarantine(gateway.repository, hashedObject("data", bytes));
      expect(await reconcileLedger(gateway, gateway.repository)).toMatchObject({ lost: 1, quarantined: 1 });
      expect(await rowsOf("quarantined_objects", `data/${sha256Of(bytes)}`)).toHaveLength(1);
      expect(await reconcileLedger(gateway, gateway.repository)).toMatchObject({ lost: 0, quarantined: 0 });
    });

    /** Four snapshots, packs and an index, of which two packs, the index and a snapshot are deleted, in the order of a forget and a prune. */
    async function deletedSnapshot(gateway: TestGateway) {
      for (const _ of [1, 2, 3]) await stored(gateway, "snapshots");
      const packs = [await stored(gateway, "data"), await stored(gateway, "data")];
      const [index, snapshot] = [await stored(gateway, "index"), await stored(gateway, "snapshots")];
      const grants = [
        await gateway.letDelete("forget", { names: [nameIn(snapshot)] }),
        await gateway.letDelete("prune"),
      ];
      for (const path of [snapshot, index, ...packs])
        expect((await remove(gateway, path, "administrator")).status).toBe(200);
      for (const grant of grants) await endGrant(database, grant);
      return { packs, index, snapshot, all: [...packs, index, snapshot] };
    }

    function workDeps(objects: ObjectStorage, log: TestGateway["log"], databases: Databases = fresh.databases) {
      return { databases, objects, clock, log, queue: { enqueue: async () => undefined } };
    }

    async function begin({ repository }: TestGateway, snapshot: string): Promise<string> {
      return await database.transaction().execute(async (transaction) => {
        const deps = { database: transaction, clock, queue: { enqueue: async () => undefined } };
        const asking = { tenantId: fresh.tenantId, by: { kind: "server" } as const };
        return (await startUndelete(deps, asking, repository, nameIn(snapshot))).id;
      });
    }

    test("bringing a snapshot back brings its packs and index back, as old as they were, however often it is asked for", async () => {
      const gateway = await newGateway();
      const { all, snapshot } = await deletedSnapshot(gateway);
      const [held] = await rowsOf("quarantined_objects", snapshot);
      const undeleteId = await begin(gateway, snapshot);
      expect(await begin(gateway, snapshot)).toBe(undeleteId);
      for (let time = 0; time < 2; time++)
        await continueUndelete(workDeps(gateway.objects, gateway.log), { tenantId: fresh.tenantId, undeleteId });
      for (const path of all) expect((await gateway.call("HEAD", `${gateway.repository}/${path}`)).status).toBe(200);
      expect((await rowsOf("objects", snapshot))[0]?.stored_at).toEqual(held?.stored_at);
      const { rows } = await sql`select object_count, finished_at from undeletes`.execute(database);
      expect(rows).toEqual([{ object_count: 4n, finished_at: clock.now() }]);
      // Of a snapshot that is there: nothing to do.
      const again = await begin(gateway, snapshot);
      await continueUndelete(workDeps(gateway.objects, gateway.log), { tenantId: fresh.tenantId, undeleteId: again });
    });

    test("bringing back that is killed at any step is done by going on", async () => {
      for (const when of ["before", "after"] as const)
        for (let nth = 1; nth <= 4; nth++) {
          const faulty = faultyObjects(await makeObjects());
          const gateway = await newGateway(faulty.objects);
          const { all, snapshot } = await deletedSnapshot(gateway);
          const undeleteId = await begin(gateway, snapshot);
          const deps = workDeps(gateway.objects, gateway.log);
          faulty.failAt(nth, when);
          await expect(continueUndelete(deps, { tenantId: fresh.tenantId, undeleteId })).rejects.toThrow("cut off");
          faulty.heal();
          // Somebody reads meanwhile, and the ledger meets what has no row.
          for (const path of all) await gateway.call("HEAD", `${gateway.repository}/${path}`);
          await continueUndelete(deps, { tenantId: fresh.tenantId, undeleteId });
          for (const path of all) {
            expect([when, nth, (await gateway.call("HEAD", `${gateway.repository}/${path}`)).status]).toEqual([
              when,
              nth,
              200,
            ]);
            expect(await rowsOf("quarantined_objects", path)).toEqual([]);
          }
        }
    });

    test("data that was deleted before its snapshot, or without it, comes back with the snapshot", async () => {
      const gateway = await newGateway();
      for (const _ of [1, 2, 3]) await stored(gateway, "snapshots");
      const [pack, snapshot] = [await stored(gateway, "data"), await stored(gateway, "snapshots")];
      const grant = await gateway.letDelete("prune");
      expect((await remove(gateway, pack, "administrator")).status).toBe(200);
      await endGrant(database, grant);
      const undeleteId = await begin(gateway, snapshot);
      await continueUndelete(workDeps(gateway.objects, gateway.log), { tenantId: fresh.tenantId, undeleteId });
      expect((await gateway.call("HEAD", `${gateway.repository}/${pack}`)).status).toBe(200);
    });

    test("while something may be deleted nothing is brought back, and the other way round", async () => {
      const gateway = await newGateway();
      const { snapshot } = await deletedSnapshot(gateway);
      const grant = await gateway.letDelete("prune");
      await expect(begin(gateway, snapshot)).rejects.toMatchObject({ status: 409 });
      await endGrant(database, grant);
      const { jobId, token } = await newJob(gateway, { kind: "prune" });
      await expect(begin(gateway, snapshot)).rejects.toMatchObject({ status: 409 });
      await database
        .updateTable("jobs")
        .set({ state: "failed", finished_at: clock.now(), lease_expires_at: null })
        .where("id", "=", jobId)
        .execute();

      const undeleteId = await begin(gateway, snapshot);
      await expect(begin(gateway, await stored(gateway, "snapshots"))).rejects.toMatchObject({ status: 409 });
      await database
        .updateTable("jobs")
        .set({ state: "running", finished_at: null, lease_expires_at: later(clock, 15) })
        .where("id", "=", jobId)
        .execute();
      const pack = await stored(gateway, "data");
      expect((await remove(gateway, pack, "agent", token)).status).toBe(503);
      expect((await remove(gateway, await stored(gateway, "locks"), "agent")).status).toBe(200);
      await continueUndelete(workDeps(gateway.objects, gateway.log), { tenantId: fresh.tenantId, undeleteId });
      expect((await remove(gateway, pack, "agent", token)).status).toBe(200);
    });

    test("a snapshot that never was can't be brought back", async () => {
      const gateway = await newGateway();
      await expect(begin(gateway, `snapshots/${"a".repeat(64)}`)).rejects.toMatchObject({ status: 404 });
    });

    test("what has been in quarantine for as long as its tenant wants is purged, and nothing else", async () => {
      const gateway = await newGateway();
      const { all } = await deletedSnapshot(gateway);
      const deps = workDeps(gateway.objects, gateway.log);
      clock.advance({ hours: 14 * 24 - 1 });
      await purgeQuarantine(deps);
      expect(await countHeld()).toBe(all.length);
      await sql`update tenants set quarantine_days = 15`.execute(fresh.owner);
      clock.advance({ hours: 2 });
      await purgeQuarantine(deps);
      expect(await countHeld()).toBe(all.length);
      await sql`update tenants set quarantine_days = 14`.execute(fresh.owner);
      await purgeQuarantine(deps);
      expect(await countHeld()).toBe(0);
      for (const kind of ["data", "index", "snapshots"] as const)
        for await (const batch of gateway.objects.listQuarantine(gateway.repository, kind)) expect(batch).toEqual([]);
      expect(await listAll(gateway.objects, gateway.repository, "snapshots")).toHaveLength(3);
      const { rows } = await sql`select details from audit_events where action = 'quarantine.purged'`.execute(database);
      expect(rows).toMatchObject([{ details: { objects: all.length } }]);
    });

    test("an object that was stored and deleted again stays from then on", async () => {
      const gateway = await newGateway();
      await gateway.letDelete("prune");
      const bytes = randomBytes(40);
      const path = `data/${sha256Of(bytes)}`;
      for (const _ of [1, 2]) {
        expect((await post(gateway, path, bytes)).status).toBe(200);
        expect((await remove(gateway, path, "administrator")).status).toBe(200);
        await sql`update quarantined_objects set quarantined_at = quarantined_at - interval '10 days' where quarantined_at > now() - interval '1 minute'`.execute(
          fresh.owner,
        );
      }
      clock.advance({ hours: 24 * 3 });
      await purgeQuarantine(workDeps(gateway.objects, gateway.log));
      await expectWhole(gateway, path, "quarantined");
      clock.advance({ hours: 24 * 2 });
      await purgeQuarantine(workDeps(gateway.objects, gateway.log));
      expect(await countHeld()).toBe(0);
    });

    test("what is brought back for more than an hour is asked for again", async () => {
      const gateway = await newGateway();
      const { snapshot } = await deletedSnapshot(gateway);
      const undeleteId = await begin(gateway, snapshot);
      const queue = new RememberingQueue();
      const deps = { ...workDeps(gateway.objects, gateway.log), queue };
      await reviveUndeletes(deps);
      expect(queue.entries).toEqual([]);
      clock.advance({ minutes: 61 });
      await reviveUndeletes(deps);
      expect(queue.take(bringBack, clock.now())).toEqual([{ tenantId: fresh.tenantId, undeleteId }]);
      await continueUndelete(deps, { tenantId: fresh.tenantId, undeleteId });
    });

    async function countHeld(): Promise<number> {
      return (await database.selectFrom("quarantined_objects").select("name").execute()).length;
    }

    test("a purge that is killed at any step is done by the next one", async () => {
      for (const when of ["before", "after"] as const)
        for (const nth of [1, 2, 3, 4]) {
          const faulty = faultyObjects(await makeObjects());
          const gateway = await newGateway(faulty.objects);
          await deletedSnapshot(gateway);
          const deps = workDeps(gateway.objects, gateway.log);
          clock.advance({ hours: 15 * 24 });
          faulty.failAt(nth, when);
          await expect(purgeQuarantine(deps)).rejects.toThrow("cut off");
          faulty.heal();
          await purgeQuarantine(deps);
          expect([when, nth, await countHeld()]).toEqual([when, nth, 0]);
          clock.advance({ hours: -15 * 24 });
        }
    });

    test("what is being brought back is not purged, and neither is what was deleted again", async () => {
      const gateway = await newGateway();
      const { all, snapshot, packs } = await deletedSnapshot(gateway);
      const deps = workDeps(gateway.objects, gateway.log);
      clock.advance({ hours: 15 * 24 });
      const undeleteId = await begin(gateway, snapshot);
      await purgeQuarantine(deps);
      expect(await countHeld()).toBe(all.length);
      await continueUndelete(deps, { tenantId: fresh.tenantId, undeleteId });
      expect(await countHeld()).toBe(0);
      expect((await gateway.call("HEAD", `${gateway.repository}/${packs[0]}`)).status).toBe(200);
    });
  });
}

async function post({ call, repository }: TestGateway, path: string, body: Uint8Array): Promise<Answer> {
  return await call("POST", `${repository}/${path}`, { body });
}

/** Stores an object of its own, and returns its path in the repository. */
async function stored(gateway: TestGateway, kind: (typeof hashedKinds)[number], sizeBytes = 20): Promise<string> {
  const bytes = randomBytes(sizeBytes);
  const path = `${kind}/${sha256Of(bytes)}`;
  expect((await post(gateway, path, bytes)).status).toBe(200);
  return path;
}

async function remove({ call, repository }: TestGateway, path: string, as: Caller, token?: string): Promise<Answer> {
  return await call("DELETE", `${repository}/${path}`, {
    as,
    ...(token === undefined ? {} : { headers: { "saveos-grant": token } }),
  });
}

async function endGrant(database: Kysely<Database>, id: string): Promise<void> {
  await database.updateTable("deletion_grants").set({ ended_at: new Date() }).where("id", "=", id).execute();
}

function nameIn(path: string): string {
  return path.slice(path.indexOf("/") + 1);
}

function statuses(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status).sort((a, b) => a - b);
}

function detailOf(answer: Answer | undefined): string {
  const { detail }: { detail: string } = JSON.parse(answer?.body.toString() ?? "{}");
  return detail;
}

function later(clock: TestClock, minutes: number): Date {
  return new Date(clock.now().getTime() + minutes * 60_000);
}
