import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestDatabases, type TestDatabases } from "../testing/test-databases.ts";
import { openAsOwner } from "./client.ts";
import { openDatabases } from "./databases.ts";
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

test("a server that was used before there were tenants keeps what it has, in a tenant of its own", async () => {
  const { owner, address } = await databases.fresh();
  await sql`drop schema public cascade; create schema public`.execute(owner);
  const all = await readMigrations();
  await migrate(owner, all.slice(0, 2));
  await sql`insert into repositories (id) values ('0b6d5f3e-5a52-4f0c-9a2b-1f2f0c7f6d11')`.execute(owner);
  await sql`
    insert into objects (repository_id, kind, name, size_bytes, stored_at)
    values ('0b6d5f3e-5a52-4f0c-9a2b-1f2f0c7f6d11', 'config', 'config', 155, now())`.execute(owner);
  await migrate(owner, all);
  await using again = openDatabases(address);
  const [tenantId = ""] = await again.tenantIds();
  const tenant = again.ofTenant(tenantId);
  expect(await tenant.selectFrom("repositories").select("id").execute()).toHaveLength(1);
  expect(await tenant.selectFrom("repository_usage").select("stored_bytes").execute()).toEqual([
    { stored_bytes: 155n },
  ]);
  expect(await again.door.selectFrom("repositories").select("id").execute()).toEqual([]);
});
