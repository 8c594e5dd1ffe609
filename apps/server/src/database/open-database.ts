import { join } from "node:path";
import type { Kysely } from "kysely";
import { prepareDataFolder } from "../data-folder.ts";
import { errorText, ServerError } from "../server-error.ts";
import { type DatabaseAddress, openAsOwner } from "./client.ts";
import { type Databases, openDatabases } from "./databases.ts";
import { findEmbeddedServer, startEmbeddedServer } from "./embedded-server.ts";
import { migrate, readMigrations } from "./migrate.ts";
import type { Database } from "./schema.ts";

/** A database with this version's tables. Disposing of it ends its connections, and the embedded PostgreSQL if this process started it. */
export interface OpenedDatabase extends AsyncDisposable {
  readonly databases: Databases;
  readonly address: DatabaseAddress;
  /** Settles when the embedded PostgreSQL ends, with what it said last. Never for one elsewhere. */
  readonly ended: Promise<string>;
}

interface Where {
  readonly dataFolder: string;
  readonly databaseUrl: string | undefined;
}

/** What the server keeps in the database beside its own tables, and makes with the rights of their owner. */
type Prepare = (address: DatabaseAddress, owner: Kysely<Database>) => Promise<void>;

/** Opens the database for a server: the one at `databaseUrl`, else the embedded one, which this process then owns. */
export async function openServerDatabase(
  { dataFolder, databaseUrl }: Where,
  prepare?: Prepare,
): Promise<OpenedDatabase> {
  if (databaseUrl !== undefined) return await openAt({ url: databaseUrl }, prepare);
  await using resources = new AsyncDisposableStack();
  const embedded = resources.use(await startEmbeddedServer(embeddedFolder(dataFolder)));
  const opened = resources.use(await openAt(embedded.address, prepare));
  const held = resources.move();
  return { ...opened, ended: embedded.ended, [Symbol.asyncDispose]: async () => await held.disposeAsync() };
}

/** Opens the database for a command: the same one, through the server that runs if there is one. */
export async function openCommandDatabase(where: Where): Promise<OpenedDatabase> {
  if (where.databaseUrl === undefined) {
    await prepareDataFolder(where.dataFolder);
    const running = await findEmbeddedServer(embeddedFolder(where.dataFolder));
    if (running !== undefined) return await openAt(running);
  }
  return await openServerDatabase(where);
}

function embeddedFolder(dataFolder: string): string {
  return join(dataFolder, "postgres");
}

async function openAt(address: DatabaseAddress, prepare?: Prepare): Promise<OpenedDatabase> {
  await migrateAt(address, prepare);
  const databases = openDatabases(address);
  return {
    databases,
    address,
    ended: new Promise(() => {}),
    [Symbol.asyncDispose]: async () => await databases[Symbol.asyncDispose](),
  };
}

/** Only who owns the tables may change them; nothing else is done with that power. */
async function migrateAt(address: DatabaseAddress, prepare: Prepare | undefined): Promise<void> {
  const owner = openAsOwner(address);
  try {
    await migrate(owner, await readMigrations());
    await prepare?.(address, owner);
  } catch (cause) {
    if (cause instanceof ServerError) throw cause;
    const place = "url" in address ? "The database of DATABASE_URL" : "The embedded database";
    throw new ServerError("database-unavailable", `${place} can't be used: ${errorText(cause)}.`, {
      cause,
      hint:
        "url" in address
          ? "Check that PostgreSQL runs there and that DATABASE_URL names its user, password and database, and that the user may create roles."
          : "Its log is postgres/postgres.log in the data folder.",
    });
  } finally {
    await owner.destroy();
  }
}
