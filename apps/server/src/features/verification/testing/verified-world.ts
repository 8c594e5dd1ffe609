import { createHash, randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Kysely } from "kysely";
import { onTestFinished } from "vitest";
import type { Database } from "../../../database/schema.ts";
import { recordUpload } from "../../../gateway/ledger.ts";
import { folderStorage } from "../../../object-store/folder-storage.ts";
import { configName, layoutPath, type ObjectName } from "../../../object-store/object-name.ts";
import type { ObjectStorage } from "../../../object-store/index.ts";
import { type FaultyReads, faultyReads } from "../../../testing/faulty-reads.ts";
import { TestLog } from "../../../testing/gateway-fixture.ts";
import { testClock, type TestClock } from "../../../testing/test-clock.ts";
import type { FreshDatabase } from "../../../testing/test-databases.ts";
import type { Stopwatch } from "../pace.ts";
import { Verifier } from "../verifier.ts";

/** Stored repositories whose bytes lie in a folder, and a worker for them. A year has passed since they were stored, so everything is due. */
export interface VerifiedWorld {
  readonly clock: TestClock;
  readonly log: TestLog;
  readonly database: Kysely<Database>;
  readonly objects: ObjectStorage;
  readonly faulty: FaultyReads;
  readonly verifier: Verifier;
  newVerifier(): Verifier;
  /** A repository with a config, a key and these packs. */
  newRepository(packs: readonly string[], database?: Kysely<Database>): Promise<StoredRepository>;
  /** The same in a repository that the ledger has already. */
  fillRepository(id: string, packs: readonly string[], database?: Kysely<Database>): Promise<StoredRepository>;
  store(repositoryId: string, kind: ObjectName["kind"], text: string): Promise<ObjectName>;
  /** Writes other bytes over an object. */
  overwrite(repositoryId: string, object: ObjectName, bytes: string): Promise<void>;
  remove(repositoryId: string, object: ObjectName): Promise<void>;
  /** Has everything done that is to be done. */
  verifyAll(): Promise<void>;
}

export interface StoredRepository {
  readonly id: string;
  readonly packs: readonly ObjectName[];
}

/** Time that passes only by waiting. */
export function jumpingStopwatch(): Stopwatch & { nowMs: number } {
  return {
    nowMs: 0,
    now() {
      return this.nowMs;
    },
    async wait(ms) {
      this.nowMs += ms;
    },
  };
}

export async function verifiedWorld({ databases, database }: FreshDatabase): Promise<VerifiedWorld> {
  const folder = await mkdtemp(join(tmpdir(), "saveos-test-"));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  const faulty = faultyReads(await folderStorage(folder));
  const { objects } = faulty;
  const clock = testClock(new Date(Date.now() + 365 * 24 * 3_600_000).toISOString());
  const log = new TestLog();
  const stopwatch = jumpingStopwatch();
  const newVerifier = () =>
    new Verifier({
      databases,
      objects,
      clock,
      log,
      load: { isBusy: () => false },
      maxBytesPerSecond: 1e12,
      stopwatch,
    });
  const verifier = newVerifier();
  const store = async (id: string, kind: ObjectName["kind"], text: string, of = database): Promise<ObjectName> => {
    const bytes = Buffer.from(text);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const object: ObjectName = kind === "config" ? configName : { kind, name: sha256 };
    const sizeBytes = bytes.length;
    await objects.put(id, object, Readable.from([bytes]), { sizeBytes, sha256 });
    await recordUpload(of, { repositoryId: id, object, sizeBytes, sha256, byAgent: null });
    return object;
  };
  const fillRepository: VerifiedWorld["fillRepository"] = async (id, packs, of = database) => {
    await objects.createRepository(id);
    await store(id, "config", `config of ${id}`, of);
    await store(id, "keys", `key of ${id}`, of);
    const stored: ObjectName[] = [];
    for (const pack of packs) stored.push(await store(id, "data", pack, of));
    return { id, packs: stored };
  };
  const { signal } = new AbortController();
  return {
    clock,
    log,
    database,
    objects,
    faulty,
    verifier,
    newVerifier,
    newRepository: async (packs, of = database) => {
      const id = randomUUID();
      await of.insertInto("repositories").values({ id, max_bytes: null }).execute();
      return await fillRepository(id, packs, of);
    },
    fillRepository,
    store,
    overwrite: async (repositoryId, object, bytes) => {
      const path = join(folder, repositoryId, layoutPath(object));
      await chmod(path, 0o600);
      await writeFile(path, bytes);
    },
    remove: async (repositoryId, object) => await rm(join(folder, repositoryId, layoutPath(object))),
    verifyAll: async () => {
      // What is found is decided about some seconds later.
      for (let times = 0; times < 2; times += 1) {
        stopwatch.nowMs += 60_000;
        while (await verifier.turn(signal));
      }
    },
  };
}
