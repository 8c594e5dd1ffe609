import { CamelCasePlugin, Kysely, PostgresDialect, type PostgresPool, sql } from "kysely";
import type { Pool, PoolClient } from "pg";
import type { AccountsDatabase } from "./accounts-schema.ts";
import { type DatabaseAddress, openPool } from "./client.ts";
import type { Database } from "./schema.ts";

/** The database behind its walls: PostgreSQL's row-level security shows each of these only what it is for. */
export interface Databases extends AsyncDisposable {
  /** What one tenant owns: all reading and writing that a request or a worker does for it. */
  ofTenant(tenantId: string): Kysely<Database>;
  /** No tenant's rows at all: for the functions that let a credential in before it is known whose it is. */
  readonly door: Kysely<Database>;
  /** People and how they sign in, of all tenants. For `features/accounts` alone. */
  readonly accounts: Kysely<AccountsDatabase>;
  /** Every tenant's id, oldest first: for work that no request asks for. */
  tenantIds(): Promise<string[]>;
}

/**
 * The door has connections of its own: it is asked at every request, and one that went from hand to hand would be set to a tenant and back each time. What it
 * is asked takes a fraction of a millisecond, so a few serve thousands of requests a second.
 */
const doorConnectionsMax = 5;

/** People sign in some times a day. */
const accountsConnectionsMax = 5;

/** Opens the pools. Nothing is connected until the first query. */
export function openDatabases(address: DatabaseAddress): Databases {
  const pool = openPool(address, "saveos_app");
  const doorPool = openPool(address, "saveos_app", doorConnectionsMax);
  const accountsPool = openPool(address, "saveos_accounts", accountsConnectionsMax);
  const ofTenants = new Map<string, Kysely<Database>>();
  const door = new Kysely<Database>({ dialect: new PostgresDialect({ pool: doorPool }) });
  const accounts = new Kysely<AccountsDatabase>({
    dialect: new PostgresDialect({ pool: accountsPool }),
    plugins: [new CamelCasePlugin()],
  });
  return {
    door,
    accounts,
    ofTenant: (tenantId) => {
      const known = ofTenants.get(tenantId);
      if (known !== undefined) return known;
      const opened = new Kysely<Database>({ dialect: new PostgresDialect({ pool: poolOfTenant(pool, tenantId) }) });
      ofTenants.set(tenantId, opened);
      return opened;
    },
    tenantIds: async () => {
      const { rows } = await sql<{ id: string }>`select all_tenants() as id`.execute(door);
      return rows.map(({ id }) => id);
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all([pool.end(), doorPool.end(), accountsPool.end()])),
  };
}

/** The tenant that a pooled connection was last set to work for. */
const tenantsOfClients = new WeakMap<PoolClient, string>();

/**
 * The pool as one tenant sees it: each connection is set to the tenant before it is handed out, which costs a question to the database only where it
 * worked for another one before.
 */
function poolOfTenant(pool: Pool, tenantId: string): PostgresPool {
  return {
    options: pool.options,
    connect: async () => {
      const client = await pool.connect();
      if (tenantsOfClients.get(client) !== tenantId) await setTenant(client, tenantId);
      return client;
    },
    end: async () => {},
  };
}

async function setTenant(client: PoolClient, tenantId: string): Promise<void> {
  try {
    tenantsOfClients.delete(client);
    await client.query("select set_config('saveos.tenant', $1, false)", [tenantId]);
    tenantsOfClients.set(client, tenantId);
  } catch (error) {
    client.release(true);
    throw error;
  }
}
