import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestDatabases, type TestDatabases } from "../testing/test-databases.ts";
import { plannedOnce } from "./planned-once.ts";
import type { Database } from "./schema.ts";

let databases: TestDatabases;
let database: Kysely<Database>;
let owner: Kysely<Database>;

beforeAll(async () => {
  databases = await startTestDatabases();
}, 60_000);
afterAll(async () => await databases.stop(), 60_000);

beforeEach(async () => {
  ({ database, owner } = await databases.fresh());
});

const ask = async (on: Kysely<Database>, name: string) => {
  const { rows } = await sql<{ name: string }>`${plannedOnce} select name from tenants where name = ${name}`.execute(
    on,
  );
  return rows.map((row) => row.name);
};

test("a connection keeps one plan of a marked statement, and none of others", async () => {
  await database.connection().execute(async (connection) => {
    expect(await ask(connection, "first")).toEqual(["first"]);
    expect(await ask(connection, "another")).toEqual([]);
    await sql`select slug from tenants where name = ${"first"}`.execute(connection);
    const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(connection);
    expect(rows).toEqual([{ statement: expect.stringContaining("select name from tenants") }]);
  });
});

test("a table that changes meanwhile is planned for anew", async () => {
  await database.connection().execute(async (connection) => {
    expect(await ask(connection, "first")).toEqual(["first"]);
    await sql`alter table tenants add column more text`.execute(owner);
    expect(await ask(connection, "first")).toEqual(["first"]);
  });
});

test("within a transaction it is as any other", async () => {
  const found = await database.transaction().execute(async (transaction) => await ask(transaction, "first"));
  expect(found).toEqual(["first"]);
});
