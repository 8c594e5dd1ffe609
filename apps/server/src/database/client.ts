import { Kysely, PostgresDialect } from "kysely";
import { type ClientConfig, Pool, types } from "pg";
import type { Database } from "./schema.ts";

/** Where a database is: a URL for a server elsewhere, or the socket folder of the embedded one. */
export type DatabaseAddress = { readonly url: string } | SocketAddress;

export interface SocketAddress {
  readonly socketFolder: string;
  readonly user: string;
  readonly database: string;
}

/**
 * Connections of one process. Requests hold one for milliseconds and waiting agents hold none, so this serves hundreds of requests a
 * second and leaves an ordinary PostgreSQL (100 connections) room for other processes.
 */
const connectionsMax = 20;

/** A database that doesn't answer for this long makes the request fail instead of hanging. */
const connectTimeoutMs = 10_000;

/** Opens a pool of connections. Nothing is connected until the first query. `destroy()` closes it. */
export function openDatabase(address: DatabaseAddress): Kysely<Database> {
  const pool = new Pool({ ...connectionConfig(address), max: connectionsMax });
  // An idle connection that breaks is replaced at the next query, which reports what is wrong; without a listener Node would exit.
  pool.on("error", () => {});
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}

/** How `pg` reaches the database. `bigint` columns come back as `bigint`: a double would lose bytes beyond 2^53. */
export function connectionConfig(address: DatabaseAddress): ClientConfig {
  const where =
    "url" in address
      ? { connectionString: address.url }
      : { host: address.socketFolder, user: address.user, database: address.database };
  return { ...where, connectionTimeoutMillis: connectTimeoutMs, application_name: "saveos", types: { getTypeParser } };
}

const getTypeParser: typeof types.getTypeParser = (type, format) =>
  type === types.builtins.INT8 && format !== "binary"
    ? (text: string) => BigInt(text)
    : types.getTypeParser(type, format);
