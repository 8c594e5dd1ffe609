import { randomBytes, randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openPool } from "./client.ts";
import { type FreshDatabase, insertTenant, startTestDatabases, type TestDatabases } from "../testing/test-databases.ts";
import type { Database } from "./schema.ts";

/*
 * The walls between tenants, as PostgreSQL keeps them: whatever the program asks for. Which tables there are is read from the database, so that a
 * new one can't be forgotten here.
 */

let databases: TestDatabases;
let fresh: FreshDatabase;
let owner: Kysely<Database>;
/** Two tenants, each with a row in every table. */
let ours: string;
let theirs: string;

beforeAll(async () => {
  databases = await startTestDatabases();
});
afterAll(async () => await databases.stop());
beforeEach(async () => {
  fresh = await databases.fresh();
  ({ owner, tenantId: ours } = fresh);
  theirs = await insertTenant(owner, "other");
  for (const tenantId of [ours, theirs]) await fill(owner, tenantId);
});

/** What the program works with, whose tenant it is set to; none without one. */
function asProgram(tenantId: string | undefined): Kysely<Database> {
  return tenantId === undefined ? fresh.databases.door : fresh.databases.ofTenant(tenantId);
}

async function namesOf(query: ReturnType<typeof sql<{ name: string }>>): Promise<string[]> {
  return (await query.execute(owner)).rows.map(({ name }) => name);
}

async function tenantTables(): Promise<string[]> {
  return await namesOf(sql`select table_name as name from information_schema.columns
    where table_schema = 'public' and column_name = 'tenant_id' order by table_name`);
}

async function countIn(database: Kysely<Database>, table: string, tenantId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from ${sql.table(table)} where tenant_id = ${tenantId}`.execute(database);
  return rows[0]?.count ?? 0;
}

describe("a table that belongs to tenants", () => {
  test("has its row in these tests, in both tenants", async () => {
    for (const table of await tenantTables()) {
      expect(await countIn(owner, table, ours), `${table}: add a row to fill()`).toBeGreaterThan(0);
      expect(await countIn(owner, table, theirs), table).toBeGreaterThan(0);
    }
  });

  test("shows no row while no tenant is set", async () => {
    for (const table of await tenantTables()) {
      const { rows } = await sql`select from ${sql.table(table)}`.execute(asProgram(undefined));
      expect(rows, table).toEqual([]);
    }
  });

  test("shows a tenant its own rows and none of another's", async () => {
    for (const table of await tenantTables()) {
      expect(await countIn(asProgram(ours), table, ours), table).toBeGreaterThan(0);
      expect(await countIn(asProgram(ours), table, theirs), table).toBe(0);
    }
  });

  test("takes no row for another tenant", async () => {
    for (const table of await tenantTables()) {
      const copied =
        sql`insert into ${sql.table(table)} select (jsonb_populate_record(row, ${{ tenant_id: theirs }}::jsonb)).*
        from ${sql.table(table)} as row`.execute(asProgram(ours));
      await expect(copied, table).rejects.toThrow(/row-level security/);
      const moved = sql`update ${sql.table(table)} set tenant_id = ${theirs}`.execute(asProgram(ours));
      await expect(moved, table).rejects.toThrow(/row-level security|permission denied/);
    }
  });

  test("lets nobody change or delete another tenant's rows", async () => {
    for (const table of await tenantTables()) {
      const deleted = await sql`delete from ${sql.table(table)} where tenant_id = ${theirs}`.execute(asProgram(ours));
      expect(deleted.numAffectedRows, table).toBe(0n);
      expect(await countIn(owner, table, theirs), table).toBeGreaterThan(0);
    }
  });

  test("gives a row without a tenant the one that is set", async () => {
    const id = randomUUID();
    await asProgram(ours).insertInto("repositories").values({ id, max_bytes: null }).execute();
    const { rows } = await sql`select tenant_id from repositories where id = ${id}`.execute(owner);
    expect(rows).toEqual([{ tenant_id: ours }]);
  });
});

describe("the program's role", () => {
  test.each(["saveos_app", "saveos_accounts"])("%s can neither pass the walls nor take them down", async (role) => {
    const { rows } = await sql`
      select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname = ${role}`.execute(
      owner,
    );
    expect(rows).toEqual([
      { rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false, rolreplication: false },
    ]);
    const owned = await namesOf(sql`select tablename as name from pg_tables where tableowner = ${role}`);
    expect(owned).toEqual([]);
    const memberOf = await namesOf(sql`select granted.rolname as name from pg_auth_members
      join pg_roles as granted on granted.oid = roleid join pg_roles as had on had.oid = member where had.rolname = ${role}`);
    expect(memberOf).toEqual([]);
  });

  test("reads no password, session or secret of the server", async () => {
    for (const table of [
      "user_accounts",
      "user_sessions",
      "user_verifications",
      "server_secrets",
      "schema_migrations",
    ]) {
      for (const tenantId of [undefined, ours]) {
        await expect(sql`select from ${sql.table(table)}`.execute(asProgram(tenantId)), table).rejects.toThrow(
          `permission denied for table ${table}`,
        );
      }
    }
  });

  test("reads of tables that belong to no tenant only these, and of them only its own tenant's rows", async () => {
    const ofTenants = await tenantTables();
    const readable = (await readableBy("saveos_app")).filter((table) => !ofTenants.includes(table));
    expect(readable).toEqual(["tenants", "users"]);
    expect(await asProgram(ours).selectFrom("tenants").select("id").execute()).toEqual([{ id: ours }]);
    expect(await asProgram(ours).selectFrom("users").select("name").execute()).toEqual([{ name: `person of ${ours}` }]);
    expect(await asProgram(undefined).selectFrom("users").select("name").execute()).toEqual([]);
    expect(await asProgram(undefined).selectFrom("tenants").select("id").execute()).toEqual([]);
  });

  test("signing in reads nothing that belongs to tenants but who their members are", async () => {
    expect(await readableBy("saveos_accounts")).toEqual([
      "invitations",
      "members",
      "server_secrets",
      "tenants",
      "user_accounts",
      "user_sessions",
      "user_verifications",
      "users",
    ]);
  });

  async function readableBy(role: string): Promise<string[]> {
    return await namesOf(sql`select relname as name from pg_class where relnamespace = 'public'::regnamespace
      and relkind in ('r', 'p', 'v', 'm') and has_any_column_privilege(${role}, oid, 'select') order by relname`);
  }

  test("changes nothing of what was written down", async () => {
    await expect(sql`update audit_events set action = 'nothing'`.execute(asProgram(ours))).rejects.toThrow(
      "permission denied",
    );
  });

  test("opens a door to one who has the id of a credential, and tells no list of them", async () => {
    const [key] = await owner.selectFrom("api_keys").select("id").execute();
    const found = await sql<{ tenant_id: string }>`select tenant_id from find_api_key(${key?.id})`.execute(
      asProgram(undefined),
    );
    expect([ours, theirs]).toContain(found.rows[0]?.tenant_id);
    expect((await sql`select from find_api_key(${randomUUID()})`.execute(asProgram(undefined))).rows).toEqual([]);
  });
});

test("connections of one pool that work for one tenant after another mix nothing up", async () => {
  const asked = Array.from({ length: 200 }, async (_, i) => {
    const tenantId = i % 3 === 0 ? undefined : i % 3 === 1 ? ours : theirs;
    const found = await asProgram(tenantId).selectFrom("tenants").select("id").execute();
    expect(found).toEqual(tenantId === undefined ? [] : [{ id: tenantId }]);
  });
  await Promise.all(asked);
});

test("a transaction that fails leaves its connection set to no other tenant", async () => {
  const failing = asProgram(theirs)
    .transaction()
    .execute(async (transaction) => await sql`select 1 / 0`.execute(transaction));
  await expect(failing).rejects.toThrow("division by zero");
  expect(await asProgram(ours).selectFrom("tenants").select("id").execute()).toEqual([{ id: ours }]);
});

test("a connection that nobody has set to a tenant sees none", async () => {
  const pool = openPool(fresh.address, "saveos_app");
  try {
    expect((await pool.query("select id from agents")).rows).toEqual([]);
    await expect(pool.query("insert into repositories (id) values (gen_random_uuid())")).rejects.toThrow();
  } finally {
    await pool.end();
  }
});

/** A row of the tenant in every table. The order is that of what they refer to. */
async function fill(database: Kysely<Database>, tenantId: string): Promise<void> {
  const [repository, agent, plan, job, user] = Array.from({ length: 5 }, () => randomUUID());
  const secret = randomBytes(32);
  const rows: Record<string, object> = {
    repositories: { id: repository },
    agents: { id: agent, hostname: "machine", repository_id: repository, created_at: "2030-01-01" },
    agent_credentials: { id: randomUUID(), agent_id: agent, secret_sha256: secret, created_at: "2030-01-01" },
    agent_sessions: {
      agent_id: agent,
      session_id: randomUUID(),
      started_at: "2030-01-01",
      last_seen_at: "2030-01-01",
    },
    enrolment_tokens: {
      id: randomUUID(),
      agent_id: agent,
      secret_sha256: secret,
      created_at: "2030-01-01",
      expires_at: "2030-01-02",
    },
    api_keys: { id: randomUUID(), name: "key", role: "viewer", secret_sha256: secret, created_at: "2030-01-01" },
    // Its trigger counts it in `repository_usage`.
    objects: {
      repository_id: repository,
      kind: "config",
      name: "config",
      size_bytes: 1,
      stored_at: "2030-01-01",
    },
    plans: {
      id: plan,
      name: "plan",
      enabled: true,
      content: "{}",
      agent_tags: "{}",
      created_at: "2030-01-01",
      updated_at: "2030-01-01",
    },
    plan_agents: { plan_id: plan, agent_id: agent },
    planned_runs: { plan_id: plan, agent_id: agent, due_at: "2030-01-01", plan_version: 1, time_zone: "UTC" },
    skipped_runs: { plan_id: plan, agent_id: agent, due_at: "2030-01-01", reason: "it was away" },
    jobs: { id: job, agent_id: agent, kind: "backup", state: "pending", order: "{}", requested_at: "2030-01-01" },
    job_log_lines: { job_id: job, sequence: 0, place: 0, at: "2030-01-01", level: "info", text: "a line" },
    usage_days: {
      repository_id: repository,
      day: "2030-01-01",
      stored_bytes: 1,
      object_count: 1,
      snapshot_count: 0,
    },
    vaults: { recipient: "age1", verify_key: "00", created_at: "2030-01-01" },
    vault_rotations: { generation: 2, signed: "{}", rotated_at: "2030-01-01" },
    vault_passphrases: {
      id: randomUUID(),
      generation: 1,
      label: "Ann",
      locked_identity: "locked",
      created_at: "2030-01-01",
      created_by: "user:x",
    },
    sealed_passwords: {
      id: randomUUID(),
      repository_id: repository,
      agent_id: agent,
      generation: 1,
      kept_as: "first",
      sealed: "sealed",
      sealed_at: "2030-01-01",
    },
    verification_findings: {
      id: randomUUID(),
      repository_id: repository,
      kind: "config",
      name: "config",
      size_bytes: 1,
      what: "damaged",
      state: "found",
      detail: "other bytes",
      found_at: "2030-01-01",
      changed_at: "2030-01-01",
    },
    verification_requests: { repository_id: repository, requested_at: "2030-01-01" },
    verification_hours: { hour: "2030-01-01", read_objects: 1, read_bytes: 1, reading_ms: 1 },
    deletion_grants: {
      id: randomUUID(),
      repository_id: repository,
      kind: "prune",
      job_id: job,
      created_at: "2030-01-01",
      expires_at: "2030-01-02",
    },
    quarantined_objects: {
      repository_id: repository,
      kind: "data",
      name: "0".repeat(64),
      size_bytes: 1,
      stored_at: "2030-01-01",
      quarantined_at: "2030-01-02",
    },
    undeletes: {
      id: randomUUID(),
      repository_id: repository,
      snapshot_id: "0".repeat(64),
      since: "2030-01-01",
      started_at: "2030-01-02",
    },
    held_deletions: {
      id: randomUUID(),
      plan_id: plan,
      plan_version: 1,
      agent_id: agent,
      repository_id: repository,
      snapshot_count: 10,
      snapshot_ids: "{}",
      held_at: "2030-01-01",
    },
    delayed_changes: {
      id: randomUUID(),
      change: JSON.stringify({ kind: "quarantine", from: 14, to: 7 }),
      requested_by: "ann",
      requested_at: "2030-01-01",
      applies_at: "2030-01-02",
    },
    audit_events: {
      id: randomUUID(),
      at: "2030-01-01",
      actor_kind: "server",
      action: "something.done",
      subject_kind: "nothing",
    },
    idempotency_keys: { caller: "user:x", key: "key", request_sha256: secret, created_at: "2030-01-01" },
    invitations: {
      id: randomUUID(),
      email: "new@example.com",
      role: "viewer",
      secret_sha256: secret,
      created_at: "2030-01-01",
      expires_at: "2030-01-02",
    },
  };
  for (const [table, row] of Object.entries(rows)) await insert(database, table, { ...row, tenant_id: tenantId });
  await insert(database, "users", { id: user, name: `person of ${tenantId}`, email: `${user}@example.com` });
  await insert(database, "members", { id: randomUUID(), tenant_id: tenantId, user_id: user, role: "viewer" });
}

async function insert(database: Kysely<Database>, table: string, row: object): Promise<void> {
  const columns = sql.join(Object.keys(row).map((name) => sql.id(name)));
  await sql`insert into ${sql.table(table)} (${columns}) values (${sql.join(Object.values(row))})`.execute(database);
}
