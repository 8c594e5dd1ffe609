import type { SocketAddress } from "../database/client.ts";
import { startServer, type TestServer, type TestServerOptions } from "./start-server.ts";
import type { FreshDatabase, TestDatabases } from "./test-databases.ts";

/** A server, and the database that it works on, to look at past all walls. */
export interface FreshServer extends AsyncDisposable {
  readonly server: TestServer;
  readonly fresh: FreshDatabase;
  /** With which another process joins it. */
  readonly databaseUrl: string;
}

/** Starts a server on a database of its own that costs no making of a cluster. Nobody has set it up. */
export async function startFreshServer(
  databases: TestDatabases,
  options: TestServerOptions = {},
): Promise<FreshServer> {
  const fresh = await databases.fresh();
  const databaseUrl = databaseUrlOf(fresh.address);
  const server = await startServer({
    ...options,
    environment: { SAVEOS_LOG_LEVEL: "silent", DATABASE_URL: databaseUrl, ...options.environment },
  });
  return { server, fresh, databaseUrl, [Symbol.asyncDispose]: async () => await server.stop() };
}

/** A database as `DATABASE_URL` names it. */
export function databaseUrlOf({ user, socketFolder, database }: SocketAddress): string {
  return `postgres://${user}@${encodeURIComponent(socketFolder)}/${database}`;
}
