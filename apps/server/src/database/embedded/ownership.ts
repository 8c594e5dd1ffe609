import { Client } from "pg";
import { ServerError } from "../../server-error.ts";

/** The one role of an embedded server. There is no password: the socket's folder lets only its owner in. */
export const superuser = "saveos";
export const databaseName = "saveos";

/** Held by the process that started a PostgreSQL for as long as that process lives: PostgreSQL frees it when the connection breaks. */
const ownerLock = 0x0f0e_5a05;

/**
 * Takes the embedded server for this process, until the returned connection ends. A process that was killed keeps nothing, so an orphan is told from
 * a server in use without guessing from process ids. Throws `data-folder-in-use` if another living process has it.
 */
export async function claimOwnership(socketFolder: { readonly path: string }, folder: string): Promise<Client> {
  const client = await connect(socketFolder.path);
  const { rows } = await client.query<{ claimed: boolean }>("select pg_try_advisory_lock($1) as claimed", [ownerLock]);
  if (rows[0]?.claimed === true) return client;
  await client.end();
  throw folderInUse(folder);
}

export function folderInUse(folder: string): ServerError {
  return new ServerError("data-folder-in-use", `Another SaveOS process uses the database in ${folder}.`, {
    hint: "Stop that one first, or give this one another SAVEOS_DATA_DIR.",
  });
}

/** Connects to PostgreSQL's own maintenance database. */
export async function connect(socketFolder: string): Promise<Client> {
  const client = new Client({
    host: socketFolder,
    user: superuser,
    database: "postgres",
    application_name: "saveos",
  });
  // PostgreSQL ends this connection when it is stopped or dies; whoever runs it learns that from the process.
  client.on("error", () => {});
  await client.connect();
  return client;
}
