import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type FreshDatabase, startTestDatabases, type TestDatabases } from "../testing/test-databases.ts";
import { openQueue, prepareQueue, type Queue } from "./queue.ts";
import { defineTask, type Task } from "./tasks.ts";

let databases: TestDatabases;
let fresh: FreshDatabase;

const greet = defineTask({ name: "greet", data: z.object({ name: z.string() }) });
const all = [greet] as readonly Task<object>[] as readonly Task<never>[];
const log = { error: () => {} };
const patience = { timeout: 40_000, interval: 20 };

beforeAll(async () => {
  databases = await startTestDatabases();
}, 60_000);
afterAll(async () => await databases.stop(), 60_000);
beforeEach(async () => {
  fresh = await databases.fresh();
  await prepareQueue(fresh.address, fresh.owner, all);
});

async function open(supervises = true): Promise<Queue> {
  return await openQueue({ address: fresh.address, database: fresh.databases.door, log, supervises });
}

test("a task is done if its transaction is committed, and never was if it isn't", async () => {
  await using queue = await open();
  const greeted: string[] = [];
  await queue.work(greet, async (entries) => greeted.push(...entries.map(({ name }) => name)));
  const undone = fresh.database.transaction().execute(async (transaction) => {
    await queue.enqueue(transaction, greet, [{ data: { name: "nobody" } }]);
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  await fresh.database
    .transaction()
    .execute(async (transaction) => await queue.enqueue(transaction, greet, [{ data: { name: "Ann" } }]));
  await expect.poll(() => greeted, patience).toEqual(["Ann"]);
});

test("a task waits for its time", async () => {
  await using queue = await open();
  const doneAt: number[] = [];
  await queue.work(greet, async () => doneAt.push(Date.now()));
  const at = new Date(Date.now() + 1500);
  await queue.enqueue(fresh.database, greet, [{ data: { name: "later" }, at }]);
  await expect.poll(() => doneAt.length, patience).toBe(1);
  expect(doneAt[0]).toBeGreaterThanOrEqual(at.getTime());
});

test("a task that fails is tried again", async () => {
  await using queue = await open();
  let tries = 0;
  await queue.work(greet, async () => {
    tries += 1;
    if (tries === 1) throw new Error("not this time");
  });
  await queue.enqueue(fresh.database, greet, [{ data: { name: "Ann" } }]);
  await expect.poll(() => tries, patience).toBe(2);
});

test("an API process puts tasks into the queue, and leaves them to a worker", async () => {
  await using api = await open(false);
  await api.enqueue(fresh.database, greet, [{ data: { name: "Ann" } }]);
  expect(await api.counts()).toEqual([{ task: "greet", waiting: 1, active: 0, failed: 0 }]);
  await using worker = await open();
  const greeted: string[] = [];
  await worker.work(greet, async (entries) => greeted.push(...entries.map(({ name }) => name)));
  await expect.poll(() => greeted, patience).toEqual(["Ann"]);
});

test("a task in the hand of a process that was killed is done by another", async () => {
  const killed = spawn(
    process.execPath,
    [join(import.meta.dirname, "../testing/hang-with-task.ts"), JSON.stringify(fresh.address)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await using queue = await open();
  await queue.enqueue(fresh.database, greet, [{ data: { name: "Ann" } }]);
  await once(killed.stdout, "data");
  killed.kill("SIGKILL");
  await once(killed, "close");
  // The time passes after which it counts as lost.
  await sql`update pgboss.job set started_on = started_on - interval '10 minutes' where state = 'active'`.execute(
    fresh.owner,
  );
  const greeted: string[] = [];
  await queue.work(greet, async (entries) => greeted.push(...entries.map(({ name }) => name)));
  await expect.poll(() => greeted, patience).toEqual(["Ann"]);
});
