import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestDatabases, type TestDatabases } from "../testing/test-databases.ts";
import { openAsOwner } from "./client.ts";
import { migrate, readMigrations } from "./migrate.ts";

let databases: TestDatabases;

beforeAll(async () => {
  databases = await startTestDatabases();
}, 60_000);

afterAll(async () => await databases.stop(), 60_000);

const step = (number: number, text: string, sha256 = `hash of ${number}`) => ({
  number,
  name: `${String(number).padStart(4, "0")}-step.sql`,
  sql: text,
  sha256,
});

const first = step(9001, "create table first (id integer)");
const second = step(9002, "create table second (id integer)");

test("migrations are numbered one after another, without a gap", async () => {
  const migrations = await readMigrations();
  expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_migration, i) => i + 1));
});

test("each migration runs once, in order", async () => {
  const { owner: database } = await databases.fresh();
  const all = [...(await readMigrations()), first, second];
  expect(await migrate(database, all)).toEqual([first.name, second.name]);
  expect(await migrate(database, all)).toEqual([]);
});

test("of several processes that start at once, one migrates and the others wait for it", async () => {
  const { address } = await databases.fresh();
  const processes = [openAsOwner(address), openAsOwner(address), openAsOwner(address)];
  const all = [...(await readMigrations()), first];
  const ran = await Promise.all(processes.map((database) => migrate(database, all)));
  await Promise.all(processes.map((database) => database.destroy()));
  expect(ran.flat()).toEqual([first.name]);
});

test("a migration that fails leaves nothing behind, nor do those before it", async () => {
  const { owner: database } = await databases.fresh();
  const broken = step(9002, "create table half (id integer); select wrong");
  await expect(migrate(database, [...(await readMigrations()), first, broken])).rejects.toThrow("wrong");
  const { rows } = await sql`select to_regclass('half') as half, to_regclass('first') as first`.execute(database);
  expect(rows).toEqual([{ half: null, first: null }]);
});

test("a database of a newer version is refused and left as it is", async () => {
  const { owner: database } = await databases.fresh();
  await migrate(database, [...(await readMigrations()), first]);
  await expect(migrate(database, await readMigrations())).rejects.toMatchObject({
    code: "database-unknown",
    message: expect.stringContaining(first.name),
  });
});

test("a migration that was edited after it ran is refused", async () => {
  const { owner: database } = await databases.fresh();
  await migrate(database, [...(await readMigrations()), first]);
  const edited = { ...first, sha256: "another hash" };
  await expect(migrate(database, [...(await readMigrations()), edited])).rejects.toMatchObject({
    code: "database-unknown",
  });
});
