import { join } from "node:path";
import type { Kysely } from "kysely";
import { prepareDataFolder } from "../data-folder.ts";
import { errorText, ServerError } from "../server-error.ts";
import { type DatabaseAddress, openDatabase } from "./client.ts";
import { findEmbeddedServer, startEmbeddedServer } from "./embedded-server.ts";
import { migrate, readMigrations } from "./migrate.ts";
import type { Database } from "./schema.ts";

/** A database with this version's tables. Disposing of it ends its connections, and the embedded PostgreSQL if this process started it. */
export interface OpenedDatabase extends AsyncDisposable {
  readonly database: Kysely<Database>;
  readonly address: DatabaseAddress;
  /** Settles when the embedded PostgreSQL ends, with what it said last. Never for one elsewhere. */
  readonly ended: Promise<string>;
}

interface Where {
  readonly dataFolder: string;
  readonly databaseUrl: string | undefined;
}

/** Opens the database for a server: the one at `databaseUrl`, else the embedded one, which this process then owns. */
export async function openServerDatabase({ dataFolder, databaseUrl }: Where): Promise<OpenedDatabase> {
  if (databaseUrl !== undefined) return await openAt({ url: databaseUrl });
  await using resources = new AsyncDisposableStack();
  const embedded = resources.use(await startEmbeddedServer(embeddedFolder(dataFolder)));
  const opened = resources.use(await openAt(embedded.address));
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

async function openAt(address: DatabaseAddress): Promise<OpenedDatabase> {
  const database = openDatabase(address);
  const close = async () => await database.destroy();
  try {
    await migrate(database, await readMigrations());
  } catch (cause) {
    await close();
    if (cause instanceof ServerError) throw cause;
    const place = "url" in address ? "The database of DATABASE_URL" : "The embedded database";
    throw new ServerError("database-unavailable", `${place} can't be used: ${errorText(cause)}.`, {
      cause,
      hint:
        "url" in address
          ? "Check that PostgreSQL runs there and that DATABASE_URL names its user, password and database."
          : "Its log is postgres/postgres.log in the data folder.",
    });
  }
  return { database, address, ended: new Promise(() => {}), [Symbol.asyncDispose]: close };
}
