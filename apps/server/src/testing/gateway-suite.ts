import { type Kysely, sql } from "kysely";
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../database/schema.ts";
import { reconcileLedger, selectSnapshotObjects, storageStats } from "../gateway/index.ts";
import { oneAtATime } from "../gateway/one-at-a-time.ts";
import { uploadMaxBytes } from "../gateway/size-limits.ts";
import { type ObjectName, configName, hashedKinds } from "../object-store/object-name.ts";
import { ObjectStorageError } from "../object-store/object-storage-error.ts";
import type { ObjectStorage } from "../object-store/object-storage.ts";
import { type Answer, type Caller, type TestGateway, basic, startGateway } from "./gateway-fixture.ts";
import { hashedObject, sha256Of, store } from "./object-storage-suite.ts";
import { type FreshDatabase, type TestDatabases, startTestDatabases } from "./test-databases.ts";

const v2 = "application/vnd.x.restic.rest.v2";
const v1 = "application/vnd.x.restic.rest.v1";

/** PostgreSQL's start and the removal of its files are slow on a busy machine. */
const hookTimeoutMs = 60_000;

/** What the gateway promises to restic's clients and keeps in its ledger, over the storage that `makeObjects` gives. */
export function gatewaySuite(name: string, makeObjects: () => Promise<ObjectStorage>): void {
  describe(`the gateway on ${name}:`, () => {
    let databases: TestDatabases;
    let fresh: FreshDatabase;
    let database: Kysely<Database>;
    beforeAll(async () => {
      databases = await startTestDatabases();
      fresh = await databases.fresh();
      ({ database } = fresh);
    }, hookTimeoutMs);
    beforeEach(async () => {
      await sql`truncate repositories cascade`.execute(fresh.owner);
    });
    afterAll(async () => {
      await databases.stop();
    }, hookTimeoutMs);

    /** A gateway whose agent has an empty repository. */
    async function gatewayWithRepository(options: Parameters<typeof startGateway>[2] = {}): Promise<TestGateway> {
      const gateway = await startGateway(fresh, await makeObjects(), options);
      expect((await gateway.call("POST", `${gateway.repository}/?create=true`)).status).toBe(200);
      return gateway;
    }

    test("a repository that is not begun has no config, empty lists, and can be created again and again", async () => {
      const { call, repository } = await gatewayWithRepository();
      expect((await call("HEAD", `${repository}/config`)).status).toBe(404);
      expect((await call("GET", `${repository}/config`)).status).toBe(404);
      for (const kind of hashedKinds) {
        const list = await call("GET", `${repository}/${kind}/`, { headers: { accept: v2 } });
        expect([list.status, list.headers["content-type"], list.body.toString()]).toEqual([200, v2, "[]"]);
      }
      expect((await call("POST", `${repository}/?create=true`)).status).toBe(200);
      for (const query of ["", "?create=false", "?create", "?other=true"])
        expect((await call("POST", `${repository}/${query}`)).status).toBe(400);
    });

    test("what was uploaded comes back with its length, whole and in ranges", async () => {
      const { call, repository } = await gatewayWithRepository();
      const bytes = randomBytes(100_000);
      const path = `${repository}/data/${sha256Of(bytes)}`;
      expect(await call("POST", path, { body: bytes })).toMatchObject({ status: 200, body: Buffer.alloc(0) });

      const head = await call("HEAD", path);
      expect([head.status, head.headers["content-length"]]).toEqual([200, "100000"]);
      const whole = await call("GET", path, { headers: { "accept-encoding": "gzip" } });
      expect([whole.status, whole.headers["content-length"], whole.headers["content-encoding"]]).toEqual([
        200,
        "100000",
        undefined,
      ]);
      expect(whole.body.equals(bytes)).toBe(true);
      const ranges: [string, number, number][] = [
        ["bytes=0-", 0, 100_000],
        ["bytes=0-43", 0, 44],
        ["bytes=99999-", 99_999, 100_000],
        ["bytes=50000-200000", 50_000, 100_000],
        ["bytes=-651", 99_349, 100_000],
      ];
      for (const [range, start, end] of ranges) {
        const part = await call("GET", path, { headers: { range } });
        expect([part.status, part.headers["content-length"], part.headers["content-range"]]).toEqual([
          206,
          String(end - start),
          `bytes ${start}-${end - 1}/100000`,
        ]);
        expect(part.body.equals(bytes.subarray(start, end))).toBe(true);
      }
      for (const range of ["bytes=100000-", "bytes=100000-100001", "bytes=5-4", "bytes=-", "bytes=x-y", "bytes=-0"]) {
        const beyond = await call("GET", path, { headers: { range } });
        expect([beyond.status, beyond.headers["content-range"]]).toEqual([416, "bytes */100000"]);
      }
      for (const range of ["bytes=0-1,5-6", "lines=1-2"])
        expect((await call("GET", path, { headers: { range } })).status).toBe(200);
    });

    test("an empty object is answered whole for any range", async () => {
      const { call, repository } = await gatewayWithRepository();
      const path = `${repository}/locks/${sha256Of(Buffer.alloc(0))}`;
      expect((await call("POST", path, { body: Buffer.alloc(0) })).status).toBe(200);
      const head = await call("HEAD", path);
      expect([head.status, head.headers["content-length"]]).toEqual([200, "0"]);
      const whole = await call("GET", path, { headers: { range: "bytes=0-" } });
      expect([whole.status, whole.headers["content-length"], whole.body.length]).toEqual([200, "0", 0]);
    });

    test("what is not there is 404, and its deletion is 200", async () => {
      const { call, repository } = await gatewayWithRepository();
      const path = `${repository}/locks/${sha256Of(Buffer.from("absent"))}`;
      expect((await call("HEAD", path)).status).toBe(404);
      expect((await call("GET", path)).status).toBe(404);
      expect((await call("GET", path, { headers: { range: "bytes=0-" } })).status).toBe(404);
      expect((await call("DELETE", path)).status).toBe(200);
    });

    test("lists speak version 2 to who asks for exactly that, and version 1 to all others", async () => {
      const { call, repository } = await gatewayWithRepository();
      const bodies = Array.from({ length: 7 }, (_, index) => randomBytes(index + 1));
      for (const body of bodies) await call("POST", `${repository}/data/${sha256Of(body)}`, { body });

      const second = await call("GET", `${repository}/data/`, { headers: { accept: v2, "accept-encoding": "gzip" } });
      expect(second.headers["content-type"]).toBe(v2);
      expect(second.headers["content-encoding"]).toBeUndefined();
      const expected = bodies.map((body) => ({ name: sha256Of(body), size: body.length }));
      expect(byName(JSON.parse(second.body.toString()))).toEqual(byName(expected));
      for (const accept of [v1, "*/*", `${v2}, ${v1}`, `${v2}; charset=utf-8`]) {
        const first = await call("GET", `${repository}/data/`, { headers: { accept } });
        expect(first.headers["content-type"]).toBe(v1);
        expect(JSON.parse(first.body.toString()).sort()).toEqual(expected.map(({ name: hash }) => hash).sort());
      }
    });

    test("a body that is not what its name says is refused, for every kind, and nothing is kept", async () => {
      const { call, repository } = await gatewayWithRepository();
      const bytes = randomBytes(70_000);
      for (const kind of hashedKinds) {
        const path = `${repository}/${kind}/${sha256Of(Buffer.concat([bytes, Buffer.from("!")]))}`;
        expect((await call("POST", path, { body: bytes })).status).toBe(400);
        expect((await call("HEAD", path)).status).toBe(404);
        expect((await call("GET", `${repository}/${kind}/`)).body.toString()).toBe("[]");
      }
      expect(await ledgerRows(database)).toEqual([]);
    });

    test("an upload whose connection breaks off leaves nothing", async () => {
      const { sendRaw, call, repository, log } = await gatewayWithRepository();
      const bytes = randomBytes(50_000);
      const path = `${repository}/data/${sha256Of(bytes)}`;
      const half = bytes.subarray(0, 25_000).toString("latin1");
      await sendRaw(uploadHead(path, bytes.length) + half, { finally: "close" });
      await log.waitFor("a client broke an upload off: nothing was kept");
      expect((await call("HEAD", path)).status).toBe(404);
      expect(await ledgerRows(database)).toEqual([]);
      expect((await call("POST", path, { body: bytes })).status).toBe(200);
    });

    test("an upload that ends too soon is 400 and leaves nothing", async () => {
      const { sendRaw, call, repository } = await gatewayWithRepository();
      const bytes = randomBytes(50_000);
      const path = `${repository}/data/${sha256Of(bytes)}`;
      const most = bytes.subarray(0, 49_999).toString("latin1");
      expect(await sendRaw(uploadHead(path, bytes.length) + most, { finally: "end" })).toMatch(/^HTTP\/1.1 400 /);
      expect((await call("HEAD", path)).status).toBe(404);
      expect(await ledgerRows(database)).toEqual([]);
    });

    test("a storage that fills up in the middle of a body is told by 507 while the client still sends", async () => {
      const { call, repository, objects } = await gatewayWithRepository();
      objects.put = async (_repository, _object, body) => {
        for await (const _chunk of body) throw new ObjectStorageError("full", "The disk is full");
        throw new TypeError("there was no body");
      };
      const bytes = randomBytes(8_000_000);
      expect((await call("POST", `${repository}/data/${sha256Of(bytes)}`, { body: bytes })).status).toBe(507);
    });

    test("an upload that stands still is cut off", async () => {
      const objects = await makeObjects();
      const { sendRaw, repository } = await startGateway(fresh, objects, { silenceMaxMs: 300 });
      // Asked through another gateway: on a busy machine an ordinary answer may take longer than that silence.
      const { call } = await startGateway(fresh, objects);
      const as = "administrator";
      expect((await call("POST", `${repository}/?create=true`, { as })).status).toBe(200);
      const bytes = randomBytes(50_000);
      const path = `${repository}/data/${sha256Of(bytes)}`;
      await sendRaw(uploadHead(path, bytes.length) + "the beginning");
      expect((await call("HEAD", path, { as })).status).toBe(404);
    });

    test("the same object sent again is fine, and another body under its name is not", async () => {
      const { call, repository } = await gatewayWithRepository();
      const bytes = randomBytes(1000);
      const path = `${repository}/index/${sha256Of(bytes)}`;
      for (let time = 0; time < 3; time++) expect((await call("POST", path, { body: bytes })).status).toBe(200);
      expect((await call("POST", path, { body: randomBytes(1000) })).status).toBe(400);
      expect((await call("GET", path)).body.equals(bytes)).toBe(true);
      expect(await ledgerRows(database)).toHaveLength(1);
    });

    test("the same object sent many times at once is stored once, and every upload is told so", async () => {
      const { call, repository } = await gatewayWithRepository();
      const bytes = randomBytes(200_000);
      const path = `${repository}/data/${sha256Of(bytes)}`;
      const right = Array.from({ length: 5 }, () => call("POST", path, { body: bytes }));
      const wrong = call("POST", path, { body: randomBytes(200_000) });
      expect((await Promise.all(right)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      expect((await wrong).status).toBe(400);
      expect((await call("GET", path)).body.equals(bytes)).toBe(true);
      expect(await storageStats(database)).toMatchObject({ objects: 1, storedBytes: 200_000 });
    });

    test("the first config stays: the same is fine again, another is refused", async () => {
      const { call, repository } = await gatewayWithRepository();
      const path = `${repository}/config`;
      const results = await Promise.all(
        ["config one", "config two"].map((text) => call("POST", path, { body: Buffer.from(text) })),
      );
      expect(sorted(results)).toEqual([200, 403]);
      const kept = (await call("GET", path)).body;
      expect(kept.toString()).toBe(results[0]?.status === 200 ? "config one" : "config two");
      expect((await call("POST", path, { body: kept })).status).toBe(200);
      expect((await call("POST", path, { body: Buffer.from("config six") })).status).toBe(403);
      const part = await call("GET", path, { headers: { range: "bytes=0-" } });
      expect([part.status, part.body.equals(kept)]).toEqual([206, true]);
    });

    test("an upload without a length is 411, and one that is too long is 413 before its body is sent", async () => {
      const { sendRaw, repository } = await gatewayWithRepository();
      const path = `${repository}/data/${"a".repeat(64)}`;
      const chunked = `POST /restic/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic("agent")}\r\nConnection: close\r\nContent-Type: application/octet-stream\r\n`;
      expect(await sendRaw(`${chunked}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1.1 411 /);
      for (const [kind, maxBytes] of Object.entries(uploadMaxBytes)) {
        const place = kind === "config" ? `${repository}/config` : `${repository}/${kind}/${"a".repeat(64)}`;
        const answer = await sendRaw(uploadHead(place, maxBytes + 1, "Connection: close\r\n"));
        expect(answer).toMatch(/^HTTP\/1.1 413 /);
      }
    });

    test("a quota refuses before the body is sent, and still takes locks and what it has", async () => {
      const { call, sendRaw, repository } = await gatewayWithRepository({ maxBytes: 1000 });
      const bytes = randomBytes(900);
      const path = `${repository}/data/${sha256Of(bytes)}`;
      expect((await call("POST", path, { body: bytes })).status).toBe(200);

      const more = `${repository}/data/${"a".repeat(64)}`;
      expect(await sendRaw(uploadHead(more, 101, "Connection: close\r\n"))).toMatch(/^HTTP\/1.1 507 /);
      expect((await call("POST", path, { body: bytes })).status).toBe(200);
      const lock = randomBytes(200);
      expect((await call("POST", `${repository}/locks/${sha256Of(lock)}`, { body: lock })).status).toBe(200);
    });

    test("what was deleted gives its room back to the quota", async () => {
      const { call, repository, letDelete } = await gatewayWithRepository({ maxBytes: 1000 });
      const [first, second] = [randomBytes(900), randomBytes(800)];
      await letDelete("prune");
      const post = (body: Buffer) => call("POST", `${repository}/data/${sha256Of(body)}`, { body });
      expect((await post(first)).status).toBe(200);
      expect((await post(second)).status).toBe(507);
      await call("DELETE", `${repository}/data/${sha256Of(first)}`, { as: "administrator" });
      expect((await post(second)).status).toBe(200);
    });

    test("uploads at once don't pass a quota together", async () => {
      const { call, repository } = await gatewayWithRepository({ maxBytes: 300_000 });
      const bodies = Array.from({ length: 8 }, () => randomBytes(100_000));
      const answers = await Promise.all(
        bodies.map((body) => call("POST", `${repository}/data/${sha256Of(body)}`, { body })),
      );
      expect(sorted(answers)).toEqual([200, 200, 200, 507, 507, 507, 507, 507]);
      expect((await storageStats(database)).storedBytes).toBe(300_000);
    });

    const accessTable: Record<Caller, Record<string, number>> = {
      nobody: { create: 401, head: 401, get: 401, list: 401, upload: 401, deleteLock: 401, deleteData: 401 },
      stranger: { create: 401, head: 401, get: 401, list: 401, upload: 401, deleteLock: 401, deleteData: 401 },
      otherAgent: { create: 404, head: 404, get: 404, list: 404, upload: 404, deleteLock: 404, deleteData: 404 },
      agent: { create: 200, head: 200, get: 200, list: 200, upload: 200, deleteLock: 200, deleteData: 403 },
      administrator: { create: 200, head: 200, get: 200, list: 200, upload: 200, deleteLock: 200, deleteData: 403 },
      otherKey: { create: 200, head: 200, get: 200, list: 200, upload: 200, deleteLock: 200, deleteData: 403 },
      person: { create: 200, head: 200, get: 200, list: 200, upload: 200, deleteLock: 200, deleteData: 403 },
    };
    for (const [as, expected] of Object.entries(accessTable) as [Caller, Record<string, number>][]) {
      test(`${as} may do what the table of access says`, async () => {
        const { call, repository } = await gatewayWithRepository();
        const [pack, lock, more] = [randomBytes(10), randomBytes(11), randomBytes(12)];
        const at = (kind: string, bytes: Buffer) => `${repository}/${kind}/${sha256Of(bytes)}`;
        await call("POST", at("data", pack), { body: pack });
        await call("POST", at("locks", lock), { body: lock });
        const answers = {
          create: await call("POST", `${repository}/?create=true`, { as }),
          head: await call("HEAD", at("data", pack), { as }),
          get: await call("GET", at("data", pack), { as }),
          list: await call("GET", `${repository}/data/`, { as }),
          upload: await call("POST", at("data", more), { as, body: more }),
          deleteLock: await call("DELETE", at("locks", lock), { as }),
          deleteData: await call("DELETE", at("data", pack), { as }),
        };
        expect(Object.fromEntries(Object.entries(answers).map(([key, { status }]) => [key, status]))).toEqual(expected);
        if (expected["get"] === 401) expect(answers.get.headers["www-authenticate"]).toBe('Basic realm="SaveOS"');
        expect((await call("HEAD", at("data", pack))).status).toBe(200);
      });
    }

    test("the last key can't be deleted, not even by two deletions at once", async () => {
      const { call, repository, letDelete } = await gatewayWithRepository();
      await letDelete("keys");
      const paths: string[] = [];
      for (const body of [randomBytes(8), randomBytes(8)]) {
        paths.push(`${repository}/keys/${sha256Of(body)}`);
        await call("POST", `${repository}/keys/${sha256Of(body)}`, { body });
      }
      const answers = await Promise.all(paths.map((path) => call("DELETE", path, { as: "administrator" })));
      expect(sorted(answers)).toEqual([200, 403]);
      expect(JSON.parse((await call("GET", `${repository}/keys/`)).body.toString())).toHaveLength(1);
      const absent = `${repository}/keys/${"a".repeat(64)}`;
      expect((await call("DELETE", absent, { as: "administrator" })).status).toBe(200);
    });

    test("a first config and the deletion of a key wait for each other, also across processes", async () => {
      const { call, repository, letDelete } = await gatewayWithRepository();
      await letDelete("keys");
      const key = randomBytes(8);
      for (const body of [key, randomBytes(8)]) await call("POST", `${repository}/keys/${sha256Of(body)}`, { body });
      const requests = [
        () => call("POST", `${repository}/config`, { body: Buffer.from("config") }),
        () => call("DELETE", `${repository}/keys/${sha256Of(key)}`, { as: "administrator" }),
      ];
      for (const send of requests) {
        const waiting = await oneAtATime(database, repository, async () => {
          const answer = send();
          return { answer, first: await waitsOrAnswers(database, answer) };
        });
        expect(waiting.first).toBe("waits");
        expect((await waiting.answer).status).toBe(200);
      }
    });

    test("an administrator begins a new repository under any UUID, an agent does not", async () => {
      const { call } = await gatewayWithRepository();
      const fresh = randomUUID();
      expect((await call("GET", `${fresh}/keys/`, { as: "administrator" })).status).toBe(404);
      expect((await call("POST", `${fresh}/?create=true`)).status).toBe(404);
      expect((await call("GET", `${fresh}/keys/`, { as: "administrator" })).status).toBe(404);
      expect((await call("POST", `${fresh}/?create=true`, { as: "administrator" })).status).toBe(200);
      const list = await call("GET", `${fresh}/keys/`, { as: "administrator" });
      expect([list.status, list.body.toString()]).toEqual([200, "[]"]);
    });

    test("any other address is 404, and any other method 405 with what is allowed", async () => {
      const { call, repository } = await gatewayWithRepository();
      const hash = "a".repeat(64);
      const wrongPaths = [
        repository,
        `${repository}//`,
        `${repository}/config/`,
        `${repository}/data`,
        `${repository}/tmp/`,
        `${repository}/data/${hash.slice(1)}`,
        `${repository}/data/${hash}a`,
        `${repository}/data/${hash.toUpperCase()}`,
        `${repository}/data/aa/${hash}`,
        `${repository}/data/..%2f${hash}`,
        `${repository}/data/../config`,
        `${repository}/%63onfig`,
        `${repository}/config/${hash}`,
        `${repository.toUpperCase()}/config`,
        `x/config`,
        `../restic/${repository}/data/x`,
        "",
      ];
      for (const path of wrongPaths)
        for (const method of ["GET", "POST", "DELETE"])
          expect([path, method, (await call(method, path)).status]).toEqual([path, method, 404]);
      const wrongMethods: [string, string, string][] = [
        ["GET", "", "POST"],
        ["DELETE", "", "POST"],
        ["POST", "data/", "GET"],
        ["HEAD", "data/", "GET"],
        ["PUT", "config", "DELETE, GET, HEAD, POST"],
        ["PATCH", `data/${hash}`, "DELETE, GET, HEAD, POST"],
        ["OPTIONS", `data/${hash}`, "DELETE, GET, HEAD, POST"],
      ];
      for (const [method, path, allow] of wrongMethods) {
        const answer = await call(method, `${repository}/${path}`);
        expect([method, path, answer.status, answer.headers["allow"]]).toEqual([method, path, 405, allow]);
      }
    });

    test("the ledger tells what was stored, when and by whom, and forgets what was deleted", async () => {
      const { call, repository, agentId, letDelete } = await gatewayWithRepository();
      const [snapshot, byAdministrator] = [randomBytes(40), randomBytes(50)];
      const before = new Date();
      await call("POST", `${repository}/snapshots/${sha256Of(snapshot)}`, { body: snapshot });
      await call("POST", `${repository}/data/${sha256Of(byAdministrator)}`, {
        body: byAdministrator,
        as: "administrator",
      });
      const [kept] = await selectSnapshotObjects(database, { repositoryId: repository, limit: 10 });
      expect(kept).toMatchObject({ id: sha256Of(snapshot), sizeBytes: 40, storedByAgent: agentId });
      expect(kept?.storedAt.getTime()).toBeGreaterThanOrEqual(before.getTime() - 1);
      const rows = await ledgerRows(database);
      expect(rows.map((row) => [row.kind, row.stored_by_agent, row.last_verified_at !== null])).toEqual([
        ["data", null, true],
        ["snapshots", agentId, true],
      ]);
      const sums = {
        storedBytes: 90,
        objects: 2,
        snapshots: 1,
        lostObjects: 0,
        quarantinedBytes: 0,
        quarantinedObjects: 0,
      };
      expect(await storageStats(database)).toEqual(sums);

      await letDelete("prune");
      const deleted = await call("DELETE", `${repository}/data/${sha256Of(byAdministrator)}`, { as: "administrator" });
      expect(deleted.status).toBe(200);
      expect(await ledgerRows(database, "data")).toEqual([]);
      expect(await storageStats(database)).toEqual({
        ...sums,
        storedBytes: 40,
        objects: 1,
        quarantinedBytes: 50,
        quarantinedObjects: 1,
      });
    });

    const meetings: [string, (gateway: TestGateway, path: string, bytes: Buffer) => Promise<unknown>][] = [
      ["HEAD", ({ call }, path) => call("HEAD", path)],
      ["GET", ({ call }, path) => call("GET", path, { headers: { range: "bytes=0-3" } })],
      ["a list", ({ call, repository }) => call("GET", `${repository}/index/`)],
      ["the same upload again", ({ call }, path, body) => call("POST", path, { body })],
      ["reconciling", (gateway) => reconcileLedger(gateway, gateway.repository)],
    ];
    for (const [how, meet] of meetings) {
      test(`an object whose upload was cut off before its row gets it by ${how}`, async () => {
        const gateway = await gatewayWithRepository();
        await gateway.call("POST", `${gateway.repository}/config`, { body: Buffer.from("config") });
        const bytes = randomBytes(33);
        const object = hashedObject("index", bytes);
        await store(gateway.objects, gateway.repository, object, bytes);
        await meet(gateway, `${gateway.repository}/index/${object.name}`, bytes);
        const [row] = await ledgerRows(database, "index");
        expect(row).toMatchObject({ name: object.name, size_bytes: 33n, last_verified_at: null });
        expect(Math.abs(Date.now() - (row?.stored_at.getTime() ?? 0))).toBeLessThan(60_000);
      });
    }

    test("reconciling tells deletions that were cut off from objects that were lost", async () => {
      const gateway = await gatewayWithRepository();
      const { call, repository, objects } = gateway;
      await call("POST", `${repository}/config`, { body: Buffer.from("config") });
      const bodies = { lost: randomBytes(5), deleted: randomBytes(6), undeleted: randomBytes(7), kept: randomBytes(8) };
      for (const body of Object.values(bodies)) await call("POST", `${repository}/data/${sha256Of(body)}`, { body });
      for (const body of [bodies.deleted, bodies.undeleted])
        await database
          .updateTable("objects")
          .set({ deleting_since: new Date(0) })
          .where("name", "=", sha256Of(body))
          .execute();
      await objects.delete(repository, hashedObject("data", bodies.lost));
      await objects.delete(repository, hashedObject("data", bodies.deleted));

      expect(await reconcileLedger(gateway, repository)).toEqual({
        added: 0,
        settledDeletions: 2,
        lost: 1,
        found: 0,
        quarantined: 0,
        removedUploads: 0,
      });
      const rows = new Map((await ledgerRows(database, "data")).map((row) => [row.name, row]));
      expect(rows.get(sha256Of(bodies.lost))?.missing_since).not.toBeNull();
      expect(rows.has(sha256Of(bodies.deleted))).toBe(false);
      expect(rows.get(sha256Of(bodies.undeleted))).toMatchObject({ deleting_since: null, missing_since: null });
      expect((await storageStats(database)).lostObjects).toBe(1);

      await store(objects, repository, hashedObject("data", bodies.lost), bodies.lost);
      expect(await reconcileLedger(gateway, repository)).toMatchObject({ found: 1, lost: 0, settledDeletions: 0 });
      expect((await storageStats(database)).lostObjects).toBe(0);
    });

    test("a storage that has lost a repository is out of order, and never looks like an empty repository", async () => {
      const gateway = await gatewayWithRepository();
      const { call, repository, objects } = gateway;
      const snapshot = randomBytes(20);
      await call("POST", `${repository}/config`, { body: Buffer.from("config") });
      await call("POST", `${repository}/snapshots/${sha256Of(snapshot)}`, { body: snapshot });
      await objects.delete(repository, configName);
      await objects.delete(repository, hashedObject("snapshots", snapshot));

      for (const as of ["agent", "administrator"] as const) {
        expect((await call("HEAD", `${repository}/config`, { as })).status).toBe(503);
        expect((await call("GET", `${repository}/config`, { as })).status).toBe(503);
        expect((await call("GET", `${repository}/snapshots/`, { as })).status).toBe(503);
        expect((await call("GET", `${repository}/locks/`, { as })).status).toBe(503);
        expect((await call("POST", `${repository}/?create=true`, { as })).status).toBe(503);
        expect((await call("POST", `${repository}/config`, { as, body: Buffer.from("another") })).status).toBe(503);
      }
      await expect(reconcileLedger(gateway, repository)).rejects.toMatchObject({ code: "unavailable" });
      expect((await storageStats(database)).lostObjects).toBe(0);
    });

    test("a list that breaks off in the storage breaks the connection off, and never ends as a short list", async () => {
      const { call, repository, objects, log } = await gatewayWithRepository();
      const bytes = randomBytes(10);
      await store(objects, repository, hashedObject("data", bytes), bytes);
      const list = objects.list.bind(objects);
      objects.list = async function* (...args) {
        yield* list(...args);
        throw new TypeError("the disk went away");
      };
      await expect(call("GET", `${repository}/data/`)).rejects.toThrow();
      expect(log.messages).toContain("a list broke off");
    });
  });
}

function uploadHead(path: string, sizeBytes: number, more = ""): string {
  return `POST /restic/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic("agent")}\r\n${more}Content-Type: application/octet-stream\r\nContent-Length: ${sizeBytes}\r\n\r\n`;
}

/** Which comes first: the answer, or that a connection waits for a lock that another holds. */
async function waitsOrAnswers(database: Kysely<Database>, answer: Promise<Answer>): Promise<"waits" | "answers"> {
  const request = { isAnswered: false };
  void answer.finally(() => {
    request.isAnswered = true;
  });
  while (!request.isAnswered) {
    const { rows } = await sql`select from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`.execute(database);
    if (rows.length > 0) return "waits";
  }
  return "answers";
}

async function ledgerRows(database: Kysely<Database>, kind?: ObjectName["kind"]) {
  const rows = database.selectFrom("objects").selectAll().orderBy("kind").orderBy("name");
  return await (kind === undefined ? rows : rows.where("kind", "=", kind)).execute();
}

/** The statuses of requests that were sent at once: which of them won is not said. */
function sorted(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status).sort((a, b) => a - b);
}

function byName(list: readonly { readonly name: string }[]) {
  return list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
