import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Kysely, sql } from "kysely";
import { openDatabase, type SocketAddress } from "../database/client.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../database/embedded-server.ts";
import { migrate, readMigrations } from "../database/migrate.ts";
import type { Database } from "../database/schema.ts";

/** Real PostgreSQL databases for tests. One server a test file, one database a test. */
export interface TestDatabases extends AsyncDisposable {
  /** A new database with this version's tables and no rows. */
  fresh(): Promise<Kysely<Database>>;
  /** The same, by its address: for whoever opens it himself. */
  freshAddress(): Promise<SocketAddress>;
  stop(): Promise<void>;
}

export async function startTestDatabases(): Promise<TestDatabases> {
  const folder = await mkdtemp(join(tmpdir(), "saveos-test-"));
  const server = await startEmbeddedServer(folder);
  const main = openDatabase(server.address);
  const opened: Kysely<Database>[] = [main];
  // Nothing here outlives the test, so nothing needs to reach the disk: on a busy one that would take most of the time.
  for (const setting of ["fsync", "synchronous_commit", "full_page_writes"]) {
    await sql`alter system set ${sql.raw(setting)} = off`.execute(main);
  }
  await sql`select pg_reload_conf()`.execute(main);
  await createDatabase(main, "template_saveos");
  const template = openDatabase(addressOf(server, "template_saveos"));
  await migrate(template, await readMigrations());
  await template.destroy();
  let count = 0;
  const freshAddress = async () => {
    const name = `test_${(count += 1)}`;
    await createDatabase(main, name, "template_saveos");
    return addressOf(server, name);
  };
  const fresh = async () => {
    const database = openDatabase(await freshAddress());
    opened.push(database);
    return database;
  };
  const stop = async () => {
    await Promise.all(opened.splice(0).map((database) => database.destroy()));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { fresh, freshAddress, stop, [Symbol.asyncDispose]: stop };
}

function addressOf(server: EmbeddedServer, database: string): SocketAddress {
  return { ...server.address, database };
}

async function createDatabase(main: Kysely<Database>, name: string, template = "template1"): Promise<void> {
  await sql`create database ${sql.id(name)} template ${sql.id(template)}`.execute(main);
}
