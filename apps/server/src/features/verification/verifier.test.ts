import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ObjectStorageError } from "../../object-store/object-storage-error.ts";
import { configName } from "../../object-store/object-name.ts";
import { beginDeletion } from "../../gateway/ledger.ts";
import {
  insertTenant,
  startTestDatabases,
  type FreshDatabase,
  type TestDatabases,
} from "../../testing/test-databases.ts";
import { claimObjects } from "./claim-objects.ts";
import { listFindings } from "./queries.ts";
import { showProgress, showRepositoryProgress } from "./show-progress.ts";
import { requestVerification } from "./request-verification.ts";
import { theServer } from "../audit/index.ts";
import { Verifier } from "./verifier.ts";
import { jumpingStopwatch, type VerifiedWorld, verifiedWorld } from "./testing/verified-world.ts";

let databases: TestDatabases;
let fresh: FreshDatabase;
let world: VerifiedWorld;
const { signal } = new AbortController();

beforeAll(async () => {
  databases = await startTestDatabases();
});
afterAll(async () => await databases.stop());
beforeEach(async () => {
  fresh = await databases.fresh();
  world = await verifiedWorld(fresh);
});

/** The findings in short, by the name of their object. */
async function findings(database = world.database) {
  const { findings: found } = await listFindings(database, { limit: 500 });
  return found
    .map(({ kind, name, what, state }) => ({ object: `${kind}/${name}`, what, state }))
    .sort((a, b) => (a.object < b.object ? -1 : 1));
}

async function rowsOf(repositoryId: string) {
  return await world.database.selectFrom("objects").selectAll().where("repository_id", "=", repositoryId).execute();
}

const progress = async () => await showProgress(world, 500_000_000);
const unavailable = () => new ObjectStorageError("unavailable", "The disk failed at it (EIO)");

describe("objects that are what they were", () => {
  test("are read once and then not before they are due again", async () => {
    const { id } = await world.newRepository(["first", "second"]);
    await world.verifyAll();
    expect(world.faulty.reads).toHaveLength(4);
    for (const row of await rowsOf(id)) {
      expect(row).toMatchObject({ last_verified_at: world.clock.now(), verify_after: null, damaged_since: null });
    }
    world.clock.advance({ hours: 20 * 24 });
    await world.verifyAll();
    expect(world.faulty.reads).toHaveLength(4);
    world.clock.advance({ seconds: 1 });
    await world.verifyAll();
    expect(world.faulty.reads).toHaveLength(8);
    expect(await findings()).toEqual([]);
  });

  test("are read oldest first, whichever tenant's they are", async () => {
    const other = fresh.databases.ofTenant(await insertTenant(fresh.owner, "other"));
    const [old, young, oldest] = [
      await world.newRepository(["old"]),
      await world.newRepository(["young"]),
      await world.newRepository(["oldest"], other),
    ];
    const age = async (repository: typeof old, days: number, database = world.database) =>
      await database
        .updateTable("objects")
        .set({ last_verified_at: new Date(world.clock.now().getTime() - days * 24 * 3_600_000) })
        .where("repository_id", "=", repository.id)
        .execute();
    await age(old, 40);
    await age(young, 30);
    await age(oldest, 50, other);
    await world.verifyAll();
    const packs = world.faulty.reads.filter((name) =>
      [old, young, oldest].some(({ packs: [pack] }) => pack?.name === name),
    );
    expect(packs).toEqual([oldest, old, young].map(({ packs: [pack] }) => pack?.name));
  });

  test("are shared by two workers, and none is read twice", async () => {
    await world.newRepository(Array.from({ length: 300 }, (_, i) => `pack ${i}`));
    const [one, two] = [world.newVerifier(), world.newVerifier()];
    const work = async (verifier: typeof one) => {
      let turns = 0;
      while (await verifier.turn(signal)) turns += 1;
      return turns;
    };
    const turns = await Promise.all([work(one), work(two)]);
    expect(Math.min(...turns)).toBeGreaterThan(0);
    expect(world.faulty.reads).toHaveLength(302);
    expect(new Set(world.faulty.reads).size).toBe(302);
  });

  test("that a worker died with are read by another one an hour later", async () => {
    await world.newRepository(["pack"]);
    expect((await claimObjects(world, [])).objects).toHaveLength(3);
    await world.verifyAll();
    expect(world.faulty.reads).toEqual([]);
    world.clock.advance({ minutes: 61 });
    await world.verifyAll();
    expect(world.faulty.reads).toHaveLength(3);
  });

  test("are given back by a worker that is told to stop, and what it has read is kept", async () => {
    const { id } = await world.newRepository(Array.from({ length: 40 }, (_, i) => `pack ${i}`));
    const stopping = new AbortController();
    world.faulty.fails = () => {
      if (world.faulty.reads.length === 20) stopping.abort();
      return undefined;
    };
    await expect(world.verifier.turn(stopping.signal)).rejects.toThrow("aborted");
    const rows = await rowsOf(id);
    expect(rows.every(({ verify_after }) => verify_after === null)).toBe(true);
    const verified = rows.filter(({ last_verified_at }) => last_verified_at?.getTime() === world.clock.now().getTime());
    expect(verified.length).toBeGreaterThan(10);
    expect(verified.length).toBeLessThan(21);
  });

  test("and were never read, such as one that was met in the storage, count from when they were stored", async () => {
    const { id } = await world.newRepository([]);
    const storedAt = new Date(world.clock.now().getTime() - 25 * 24 * 3_600_000);
    await world.database
      .updateTable("objects")
      .set({ last_verified_at: null, stored_at: storedAt })
      .where("repository_id", "=", id)
      .execute();
    expect((await progress()).oldest_age_seconds).toBe(25 * 24 * 3600);
    await world.verifyAll();
    expect((await progress()).oldest_age_seconds).toBe(0);
  });
});

describe("an object that isn't what it was", () => {
  test("is found, whether a bit of it is other, it is cut off, or it is gone", async () => {
    const { id, packs } = await world.newRepository(["aaaa", "bbbb", "cccc", "dddd"]);
    await world.overwrite(id, packs[0]!, "aaab");
    await world.overwrite(id, packs[1]!, "bb");
    await world.remove(id, packs[2]!);
    await world.verifyAll();
    expect(await findings()).toEqual(
      [
        { object: `data/${packs[0]!.name}`, what: "damaged", state: "found" },
        { object: `data/${packs[1]!.name}`, what: "damaged", state: "found" },
        { object: `data/${packs[2]!.name}`, what: "missing", state: "found" },
      ].sort((a, b) => (a.object < b.object ? -1 : 1)),
    );
    const { findings: found } = await listFindings(world.database, { limit: 10, what: "damaged" });
    expect(found.map(({ detail }) => detail)).toContainEqual(
      expect.stringMatching(/^It has 2 bytes instead of 4, and their SHA-256 is [0-9a-f]{64}\.$/),
    );
    const missing = (await rowsOf(id)).filter(({ missing_since }) => missing_since !== null);
    expect(missing.map(({ name }) => name)).toEqual([packs[2]!.name]);
  });

  test("is the config: its bytes are compared with those that were uploaded", async () => {
    const { id } = await world.newRepository(["pack"]);
    await world.overwrite(id, configName, "another config");
    await world.verifyAll();
    expect(await findings()).toEqual([{ object: "config/config", what: "damaged", state: "found" }]);
  });

  test("is not told of a config that nobody kept the hash of: its first reading is believed, and said so", async () => {
    const { id } = await world.newRepository([]);
    await world.database.updateTable("objects").set({ sha256: null }).where("kind", "=", "config").execute();
    await world.verifyAll();
    expect(world.log.messages).toContainEqual(expect.stringContaining("nobody had kept the config's SHA-256"));
    world.clock.advance({ hours: 21 * 24 });
    await world.overwrite(id, configName, "another config");
    await world.verifyAll();
    expect(await findings()).toEqual([{ object: "config/config", what: "damaged", state: "found" }]);
  });

  test("is told of once, however often it is looked at", async () => {
    const { id, packs } = await world.newRepository(["pack"]);
    await world.overwrite(id, packs[0]!, "kcap");
    for (let day = 0; day < 25; day += 1) {
      await world.verifyAll();
      world.clock.advance({ hours: 24 });
    }
    expect(await findings()).toHaveLength(1);
    const told = await world.database.selectFrom("audit_events").select("action").execute();
    expect(told).toEqual([{ action: "verification.found" }]);
  });

  test("is not held to be damaged if a second reading is right", async () => {
    const { id, packs } = await world.newRepository(["pack"]);
    await world.overwrite(id, packs[0]!, "kcap");
    let readings = 0;
    const objects = new Proxy(world.objects, {
      get: (target, name) => {
        if (name !== "get") return Reflect.get(target, name);
        return async (...args: Parameters<typeof target.get>) => {
          if (args[1].name === packs[0]!.name && (readings += 1) === 2) await world.overwrite(id, packs[0]!, "pack");
          return await target.get(...args);
        };
      },
    });
    const verifier = new Verifier({
      ...world,
      objects,
      databases: fresh.databases,
      load: { isBusy: () => false },
      maxBytesPerSecond: 1e12,
    });
    await verifier.turn(signal);
    expect(readings).toBe(2);
    expect(await findings()).toEqual([]);
  });

  test("is right again once somebody has put it back, and is then read in turn", async () => {
    const { id, packs } = await world.newRepository(["pack"]);
    await world.overwrite(id, packs[0]!, "kcap");
    await world.verifyAll();
    await world.overwrite(id, packs[0]!, "pack");
    world.clock.advance({ hours: 25 });
    await world.verifyAll();
    expect(await findings()).toMatchObject([{ state: "repaired" }]);
    expect((await rowsOf(id)).find(({ kind }) => kind === "data")).toMatchObject({
      damaged_since: null,
      missing_since: null,
      last_verified_at: world.clock.now(),
    });
    expect((await progress()).findings).toEqual({ suspected: 0, found: 0, repairing: 0, lost: 0 });
  });

  test("is removed once nobody has it in the ledger any more", async () => {
    const { id, packs } = await world.newRepository(["pack"]);
    await world.overwrite(id, packs[0]!, "kcap");
    await world.verifyAll();
    await world.database.deleteFrom("objects").where("kind", "=", "data").execute();
    world.clock.advance({ hours: 25 });
    await world.verifyAll();
    expect(await findings()).toMatchObject([{ state: "removed" }]);
    expect(id).toBeDefined();
  });

  test("is found as well if the ledger was the first to miss it", async () => {
    const { packs } = await world.newRepository(["pack"]);
    await world.database
      .updateTable("objects")
      .set({ missing_since: world.clock.now() })
      .where("kind", "=", "data")
      .execute();
    await world.verifyAll();
    expect(await findings()).toEqual([{ object: `data/${packs[0]!.name}`, what: "missing", state: "found" }]);
  });
});

describe("no finding", () => {
  test("is made of an object that somebody deletes meanwhile", async () => {
    const { id, packs } = await world.newRepository(["one", "two"]);
    world.faulty.fails = (_, object) =>
      object.kind === "data" ? new ObjectStorageError("not-found", "There is none") : undefined;
    await beginDeletion(world.database, id, packs[0]!);
    const { fails } = world.faulty;
    world.faulty.fails = (repositoryId, object) => {
      if (object.name === packs[1]!.name)
        void world.database.deleteFrom("objects").where("name", "=", object.name).execute();
      return fails(repositoryId, object);
    };
    await world.verifyAll();
    expect(await findings()).toEqual([]);
  });

  test("is made while nothing of a repository can be read, nothing is marked, and others go on", async () => {
    const away = await world.newRepository(["one", "two"]);
    const there = await world.newRepository(["three"]);
    world.faulty.fails = (repositoryId) =>
      repositoryId === away.id ? new ObjectStorageError("not-found", "There is none") : undefined;
    await world.verifyAll();
    expect(await findings()).toEqual([]);
    expect(world.verifier.unreachable).toEqual([away.id]);
    for (const row of await rowsOf(away.id)) {
      expect(row).toMatchObject({ damaged_since: null, missing_since: null, verify_after: null });
      expect(row.last_verified_at).not.toEqual(world.clock.now());
    }
    for (const row of await rowsOf(there.id)) expect(row.last_verified_at).toEqual(world.clock.now());
    world.faulty.fails = () => undefined;
    // Ten minutes of the stopwatch.
    for (let minute = 0; minute < 6; minute += 1) await world.verifyAll();
    expect(world.verifier.unreachable).toEqual([]);
    for (const row of await rowsOf(away.id)) expect(row.last_verified_at).toEqual(world.clock.now());
  });

  test("is certain of an object that can't be read until it was tried three times, an hour apart", async () => {
    const { packs } = await world.newRepository(["one", "two"]);
    world.faulty.fails = (_, { name }) => (name === packs[0]!.name ? unavailable() : undefined);
    await world.verifyAll();
    expect(await findings()).toEqual([{ object: `data/${packs[0]!.name}`, what: "unreadable", state: "suspected" }]);
    world.clock.advance({ minutes: 61 });
    await world.verifyAll();
    expect(await findings()).toMatchObject([{ state: "suspected" }]);
    world.clock.advance({ minutes: 61 });
    await world.verifyAll();
    expect(await findings()).toMatchObject([{ what: "unreadable", state: "found" }]);
  });

  test("stays of an object that could not be read for a while", async () => {
    const { packs } = await world.newRepository(["one"]);
    world.faulty.fails = (_, { name }) => (name === packs[0]!.name ? unavailable() : undefined);
    await world.verifyAll();
    world.faulty.fails = () => undefined;
    world.clock.advance({ minutes: 61 });
    await world.verifyAll();
    expect(await findings()).toMatchObject([{ state: "repaired" }]);
  });

  test("of one tenant is seen by another", async () => {
    const other = fresh.databases.ofTenant(await insertTenant(fresh.owner, "other"));
    const { id, packs } = await world.newRepository(["pack"]);
    await world.overwrite(id, packs[0]!, "kcap");
    await world.verifyAll();
    expect(await findings(other)).toEqual([]);
  });
});

describe("a repository that somebody asks for", () => {
  test("is read before all others, however new it is, and the request is then over", async () => {
    const old = await world.newRepository(["old"]);
    const wanted = await world.newRepository(["wanted"]);
    await world.database
      .updateTable("objects")
      .set({ last_verified_at: new Date(world.clock.now().getTime() - 60_000) })
      .where("repository_id", "=", wanted.id)
      .execute();
    const asked = await requestVerification(world, theServer, wanted.id);
    expect(asked).toMatchObject({ requested_at: world.clock.now().toISOString(), finished_at: null });
    await world.verifyAll();
    const packs = world.faulty.reads.filter((name) => [old, wanted].some(({ packs: [pack] }) => pack?.name === name));
    expect(packs).toEqual([wanted.packs[0]!.name, old.packs[0]!.name]);
    expect(await showRepositoryProgress(world, wanted.id)).toMatchObject({
      oldest_age_seconds: 0,
      finished_at: world.clock.now().toISOString(),
    });
  });

  test("can be asked for once an hour", async () => {
    const { id } = await world.newRepository([]);
    await requestVerification(world, theServer, id);
    await expect(requestVerification(world, theServer, id)).rejects.toThrow("less than an hour ago");
    world.clock.advance({ minutes: 60 });
    await requestVerification(world, theServer, id);
  });
});

describe("the progress", () => {
  test("counts what was verified within 30 days, what is due and how old the oldest byte is", async () => {
    const { id, packs } = await world.newRepository(["aaaa", "bbbb"]);
    const total = (await rowsOf(id)).reduce((sum, { size_bytes }) => sum + Number(size_bytes), 0);
    expect(await progress()).toMatchObject({
      total_bytes: total,
      total_objects: 4,
      verified_bytes: 0,
      due_bytes: total,
      behind: true,
      behind_because: "late",
    });
    await world.overwrite(id, packs[0]!, "aaab");
    await world.verifyAll();
    expect(await progress()).toMatchObject({
      total_bytes: total,
      verified_bytes: total - 4,
      due_bytes: 0,
      oldest_age_seconds: 0,
      findings: { suspected: 0, found: 1, repairing: 0, lost: 0 },
      seconds_to_finish: 0,
      behind: false,
      behind_because: null,
    });
    world.clock.advance({ hours: 3 });
    expect(await progress()).toMatchObject({ oldest_age_seconds: 3 * 3600 });
  });

  test("says that a budget can't reach everything in time", async () => {
    const { id } = await world.newRepository([]);
    await world.verifyAll();
    await world.database
      .insertInto("objects")
      .values({
        repository_id: id,
        kind: "data",
        name: "f".repeat(64),
        size_bytes: 3_000_000_000_000,
        stored_at: world.clock.now(),
        last_verified_at: world.clock.now(),
        stored_by_agent: null,
        deleting_since: null,
        missing_since: null,
      })
      .execute();
    expect(await showProgress(world, 1_000_000)).toMatchObject({ behind: true, behind_because: "too-slow" });
    expect(await showProgress(world, 2_000_000)).toMatchObject({ behind: false });
  });
});

describe("a worker's speed", () => {
  const speedOf = async (load: { isBusy: boolean }, maxBytesPerSecond = 500_000_000) => {
    const verifier = new Verifier({
      ...world,
      databases: fresh.databases,
      load: { isBusy: () => load.isBusy },
      maxBytesPerSecond,
      stopwatch: jumpingStopwatch(),
    });
    await verifier.turn(signal);
    return verifier.bytesPerSecond;
  };

  test("is its budget while nothing else is wanted, and polite while something is", async () => {
    expect(await speedOf({ isBusy: false })).toBe(500_000_000);
    expect(await speedOf({ isBusy: true })).toBe(1024 * 1024);
  });

  test("is polite while any job runs, in whichever tenant", async () => {
    const other = await insertTenant(fresh.owner, "other");
    const [agent, job] = [randomUUID(), randomUUID()];
    await fresh.databases
      .ofTenant(other)
      .insertInto("agents")
      .values({ id: agent, hostname: "machine", tags: [], created_at: new Date() })
      .execute();
    const row = {
      id: job,
      agent_id: agent,
      kind: "backup",
      state: "running",
      order: "{}",
      requested_at: new Date(),
      started_at: new Date(),
      lease_expires_at: new Date(),
    } as const;
    await fresh.databases.ofTenant(other).insertInto("jobs").values(row).execute();
    expect(await speedOf({ isBusy: false })).toBe(1024 * 1024);
  });

  test("is never more than its budget", async () => {
    await world.newRepository([]);
    await world.database
      .updateTable("objects")
      .set({ size_bytes: 10n ** 14n })
      .execute();
    expect(await speedOf({ isBusy: true }, 2_000_000)).toBe(2_000_000);
  });
});
