import { Kysely, PostgresDialect } from "kysely";
import { type ClientConfig, Pool, types } from "pg";
import { keepPlans } from "./planned-once.ts";
import type { Database } from "./schema.ts";

/** Where a database is: a URL for a server elsewhere, or the socket folder of the embedded one. */
export type DatabaseAddress = { readonly url: string } | SocketAddress;

export interface SocketAddress {
  readonly socketFolder: string;
  readonly user: string;
  readonly database: string;
}

/** The roles that do the server's work (`migrations/0003-tenants.sql`). Who owns the tables only migrates. */
export type Role = "saveos_app" | "saveos_accounts";

/**
 * Connections of one process. Requests hold one for milliseconds and waiting agents hold none, so this serves hundreds of requests a
 * second and leaves an ordinary PostgreSQL (100 connections) room for other processes.
 */
const connectionsMax = 20;

/** A database that doesn't answer for this long makes the request fail instead of hanging. */
const connectTimeoutMs = 10_000;

/** Opens a pool of connections. Nothing is connected until the first query. */
export function openPool(address: DatabaseAddress, role?: Role, max = connectionsMax): Pool {
  const pool = new Pool({ ...connectionConfig(address, role), max });
  // An idle connection that breaks is replaced at the next query, which reports what is wrong; without a listener Node would exit.
  pool.on("error", () => {});
  pool.on("connect", keepPlans);
  return pool;
}

/** The database as its owner sees it, past all walls: for migrations. `destroy()` closes it. */
export function openAsOwner(address: DatabaseAddress): Kysely<Database> {
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool: openPool(address) }) });
}

/**
 * How `pg` reaches the database, as `role` or as the owner of the tables. `bigint` columns come back as `bigint`: a double would lose bytes beyond 2^53.
 */
export function connectionConfig(address: DatabaseAddress, role?: Role): ClientConfig {
  return {
    ...(role === undefined ? asOwner(address) : asRole(address, role)),
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: "saveos",
    types: { getTypeParser },
  };
}

function asOwner(address: DatabaseAddress): ClientConfig {
  if ("url" in address) return { connectionString: address.url };
  return { host: address.socketFolder, user: address.user, database: address.database };
}

/** The embedded server lets the role in by its name. One elsewhere lets in the user of the URL, who then acts as the role from the first query on. */
function asRole(address: DatabaseAddress, role: Role): ClientConfig {
  if (!("url" in address)) return { ...asOwner(address), user: role };
  return { connectionString: address.url, options: `-c role=${role}` };
}

const getTypeParser: typeof types.getTypeParser = (type, format) =>
  type === types.builtins.INT8 && format !== "binary"
    ? (text: string) => BigInt(text)
    : types.getTypeParser(type, format);
