import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Kysely, sql } from "kysely";
import { openAsOwner, type SocketAddress } from "../database/client.ts";
import { type Databases, openDatabases } from "../database/databases.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../database/embedded-server.ts";
import { migrate, readMigrations } from "../database/migrate.ts";
import type { Database } from "../database/schema.ts";

/** Real PostgreSQL databases for tests. One server a test file, one database a test. */
export interface TestDatabases extends AsyncDisposable {
  /** A new database with this version's tables and one tenant, and nothing else. */
  fresh(): Promise<FreshDatabase>;
  stop(): Promise<void>;
}

export interface FreshDatabase {
  /** For whoever opens it himself. */
  readonly address: SocketAddress;
  readonly databases: Databases;
  readonly tenantId: string;
  /** The database as the tenant sees it, behind its walls. */
  readonly database: Kysely<Database>;
  /** The database as its owner sees it: to look at or change what the program may not. */
  readonly owner: Kysely<Database>;
}

export async function startTestDatabases(): Promise<TestDatabases> {
  const folder = await mkdtemp(join(tmpdir(), "saveos-test-"));
  const server = await startEmbeddedServer(folder);
  const main = openAsOwner(server.address);
  const opened: (() => Promise<void>)[] = [() => main.destroy()];
  // Nothing here outlives the test, so nothing needs to reach the disk: on a busy one that would take most of the time.
  for (const setting of ["fsync", "synchronous_commit", "full_page_writes"]) {
    await sql`alter system set ${sql.raw(setting)} = off`.execute(main);
  }
  await sql`select pg_reload_conf()`.execute(main);
  await createDatabase(main, "template_saveos");
  const template = openAsOwner(addressOf(server, "template_saveos"));
  await migrate(template, await readMigrations());
  await template.destroy();
  let count = 0;
  const fresh = async (): Promise<FreshDatabase> => {
    const name = `test_${(count += 1)}`;
    await createDatabase(main, name, "template_saveos");
    const address = addressOf(server, name);
    const databases = openDatabases(address);
    const owner = openAsOwner(address);
    opened.push(
      () => owner.destroy(),
      async () => await databases[Symbol.asyncDispose](),
    );
    const tenantId = await insertTenant(owner, "first");
    return { address, databases, tenantId, database: databases.ofTenant(tenantId), owner };
  };
  const stop = async () => {
    await Promise.all(opened.splice(0).map((close) => close()));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { fresh, stop, [Symbol.asyncDispose]: stop };
}

/** Adds a tenant, as only the owner of the tables and signing in may, and returns its id. */
export async function insertTenant(owner: Kysely<Database>, name: string): Promise<string> {
  const id = randomUUID();
  await sql`insert into tenants (id, name, slug) values (${id}, ${name}, ${name})`.execute(owner);
  return id;
}

function addressOf(server: EmbeddedServer, database: string): SocketAddress {
  return { ...server.address, database };
}

async function createDatabase(main: Kysely<Database>, name: string, template = "template1"): Promise<void> {
  await sql`create database ${sql.id(name)} template ${sql.id(template)}`.execute(main);
}
