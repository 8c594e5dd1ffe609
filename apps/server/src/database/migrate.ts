import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Kysely, sql } from "kysely";
import { ServerError } from "../server-error.ts";
import type { Database } from "./schema.ts";

/** One step of the schema: a file `migrations/NNNN-what.sql`, run once in a transaction and never changed afterwards. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/** "SaveOS" as a number: the lock under which one process at a time changes the schema. */
const migrationLock = 0x5361_7665;

/**
 * Brings the schema to this version's: runs each migration that the database doesn't have yet, in order, all in one transaction under a lock, so that
 * any number of processes may start at once. Returns the names of those it ran.
 *
 * Throws `database-unknown` if the database has a migration that this version doesn't know, or one whose text has changed since.
 */
export async function migrate(database: Kysely<Database>, migrations: readonly Migration[]): Promise<string[]> {
  return await database.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(transaction);
    await sql`create table if not exists schema_migrations (
      number integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now()
    )`.execute(transaction);
    const { rows: applied } = await sql<Pick<Migration, "number" | "name" | "sha256">>`
      select number, name, sha256 from schema_migrations order by number`.execute(transaction);
    for (const past of applied) requireKnown(past, migrations);
    const missing = migrations.filter(({ number }) => !applied.some((past) => past.number === number));
    for (const migration of missing) {
      await sql.raw(migration.sql).execute(transaction);
      await sql`insert into schema_migrations (number, name, sha256)
        values (${migration.number}, ${migration.name}, ${migration.sha256})`.execute(transaction);
    }
    return missing.map(({ name }) => name);
  });
}

/** Reads the migrations that belong to this version, in order. */
export async function readMigrations(folder = join(import.meta.dirname, "migrations")): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      return {
        number: Number(name.slice(0, 4)),
        name,
        sql: text,
        sha256: createHash("sha256").update(text).digest("hex"),
      };
    }),
  );
}

function requireKnown(past: Pick<Migration, "number" | "name" | "sha256">, migrations: readonly Migration[]): void {
  const known = migrations.find(({ number }) => number === past.number);
  if (known === undefined) {
    throw new ServerError(
      "database-unknown",
      `The database has the migration ${past.name}, which this SaveOS doesn't know.`,
      {
        hint: "A newer version of SaveOS has used this database: start that version or a later one.",
      },
    );
  }
  if (known.sha256 !== past.sha256) {
    throw new ServerError("database-unknown", `The migration ${past.name} has changed since it ran on this database.`, {
      hint: "Use an unmodified release of SaveOS: migrations are never edited, only added.",
    });
  }
}
