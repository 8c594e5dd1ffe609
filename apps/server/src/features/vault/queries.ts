import {
  namesStatement,
  type Passphrase,
  type RotationProgress,
  type SealedPasswordOf,
  uuid,
  type Vault,
  type VaultForAgents,
  type VaultPin,
} from "@saveos/contract";
import { type Kysely, type RawBuilder, type Selectable, sql, type Transaction } from "kysely";
import { z } from "zod";
import type { Database, VaultPassphrasesTable, VaultsTable } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";
import { notFound } from "../../http/problem.ts";
import { readStored } from "./signed-statement.ts";

export type VaultRow = Selectable<VaultsTable>;

export async function findVault(database: Kysely<Database>): Promise<VaultRow | undefined> {
  return await database.selectFrom("vaults").selectAll().executeTakeFirst();
}

/** The vault, which nobody else changes until the transaction ends. 404 if there is none. */
export async function lockVault(transaction: Transaction<Database>): Promise<VaultRow> {
  const vault = await transaction.selectFrom("vaults").selectAll().forUpdate().executeTakeFirst();
  if (vault === undefined) throw notFound("vault");
  return vault;
}

/** The version of the tenant's vault, 0 without one, as a part of another statement. */
export const vaultVersion: RawBuilder<number> = sql`coalesce((select version from vaults where tenant_id = current_tenant()), 0)`;

/** What a new machine pins. */
export async function pinOfVault(database: Kysely<Database>): Promise<VaultPin | undefined> {
  const vault = await findVault(database);
  return vault === undefined ? undefined : pinOf(vault);
}

/** What agents hear of the vault. */
export async function vaultForAgent(database: Kysely<Database>): Promise<VaultForAgents | null> {
  const vault = await findVault(database);
  if (vault === undefined) return null;
  return { version: vault.version, ...pinOf(vault), rotations: await listRotations(database), names: vault.names };
}

/** The vault as the API shows it. 404 if there is none. */
export async function showVault(database: Kysely<Database>): Promise<Vault> {
  const vault = await findVault(database);
  if (vault === undefined) throw notFound("vault");
  const { generation, names, created_at } = vault;
  const { passphrases, sealed } = await database
    .selectNoFrom((select) => [
      select
        .selectFrom("vault_passphrases")
        .select(sql<bigint>`count(*)`.as("count"))
        .where("generation", "=", generation)
        .as("passphrases"),
      select
        .selectFrom("sealed_passwords")
        .select(sql<bigint>`count(distinct repository_id)`.as("count"))
        .where("generation", "=", generation)
        .as("sealed"),
    ])
    .executeTakeFirstOrThrow();
  const { rows } = await sql<{ waiting: bigint }>`
    select (select count(*) from (${waitingAgents(generation)}) as a) +
      (select count(*) from (${waitingRepositories(generation)}) as r) as waiting`.execute(database);
  return {
    ...pinOf(vault),
    created_at: created_at.toISOString(),
    names_visible: names !== null && readStored(namesStatement, names).visible,
    names,
    rotations: await listRotations(database),
    passphrases: Number(passphrases),
    sealed_repositories: Number(sealed),
    waiting: Number(rows[0]?.waiting),
    is_rotating: await hasOlderPassphrases(database, generation),
  };
}

function pinOf({ recipient, verify_key, generation }: VaultRow): VaultPin {
  return { recipient, verify_key, generation };
}

async function listRotations(database: Kysely<Database>): Promise<Vault["rotations"]> {
  const rows = await database.selectFrom("vault_rotations").select("signed").orderBy("generation").execute();
  return rows.map(({ signed }) => signed);
}

async function hasOlderPassphrases(database: Kysely<Database>, generation: number): Promise<boolean> {
  const found = await database
    .selectFrom("vault_passphrases")
    .select("id")
    .where("generation", "<", generation)
    .limit(1)
    .execute();
  return found.length > 0;
}

/** The most that one answer names. */
const waitingMax = 1000;

/** Who and what keeps the vault's rotation from being done. 404 if there is no vault. */
export async function showRotation(database: Kysely<Database>): Promise<RotationProgress> {
  const vault = await findVault(database);
  if (vault === undefined) throw notFound("vault");
  const { generation } = vault;
  const agents = await sql<{ agent_id: string; hostname: string; sealed_generation: number | null }>`
    ${waitingAgents(generation)} order by hostname, agent_id limit ${waitingMax}`.execute(database);
  const repositories = await sql<{ repository_id: string }>`
    ${waitingRepositories(generation)} order by repository_id limit ${waitingMax}`.execute(database);
  return {
    generation,
    is_done: agents.rows.length === 0 && repositories.rows.length === 0,
    agents: agents.rows,
    repositories: repositories.rows.map(({ repository_id }) => repository_id),
  };
}

/** Machines that are there and have not sealed their repository's password to this generation themselves. */
export function waitingAgents(generation: number): RawBuilder<unknown> {
  return sql`
    select a.id as agent_id, a.hostname, (select max(s.generation) from sealed_passwords as s where s.agent_id = a.id) as sealed_generation
    from agents as a
    where a.registered_at is not null and a.revoked_at is null and not exists (
      select from sealed_passwords as s where s.agent_id = a.id and s.generation = ${generation} and s.kept_as <> 'resealed'
    )`;
}

/** Repositories whose password only an older identity opens, and which no machine that is there could seal again. */
export function waitingRepositories(generation: number): RawBuilder<unknown> {
  return sql`
    select s.repository_id from sealed_passwords as s
    where not exists (select from agents as a where a.repository_id = s.repository_id and a.revoked_at is null)
    group by s.repository_id having max(s.generation) < ${generation}`;
}

export async function listPassphrases(database: Kysely<Database>): Promise<Passphrase[]> {
  const rows = await database
    .selectFrom("vault_passphrases")
    .selectAll()
    .orderBy("generation", "desc")
    .orderBy("created_at")
    .orderBy("id")
    .execute();
  return rows.map(toPassphrase);
}

export function toPassphrase(row: Selectable<VaultPassphrasesTable>): Passphrase {
  return {
    id: row.id,
    label: row.label,
    generation: row.generation,
    created_at: row.created_at.toISOString(),
    created_by: row.created_by,
    last_fetched_at: row.last_fetched_at?.toISOString() ?? null,
    wrong_tries: row.wrong_tries,
  };
}

export interface SealedPasswordFilter {
  readonly repository_id?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** Sealed passwords, by repository. */
export async function listSealedPasswords(
  database: Kysely<Database>,
  { repository_id, cursor, limit }: SealedPasswordFilter,
): Promise<{ sealed_passwords: SealedPasswordOf[]; next_cursor: string | null }> {
  const after = placeOf(cursor, uuid, z.uuid());
  let query = database
    .selectFrom("sealed_passwords as s")
    .innerJoin("agents as a", "a.id", "s.agent_id")
    .select([
      "s.id",
      "s.repository_id",
      "s.agent_id",
      "a.hostname",
      "s.generation",
      "s.kept_as",
      "s.sealed",
      "s.sealed_at",
    ])
    .orderBy("s.repository_id")
    .orderBy("s.id")
    .limit(limit + 1);
  if (repository_id !== undefined) query = query.where("s.repository_id", "=", repository_id);
  if (after !== undefined)
    query = query.where(sql<boolean>`(s.repository_id, s.id) > (${after[0]}::uuid, ${after[1]}::uuid)`);
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.repository_id, row.id]);
  return {
    sealed_passwords: rows.map(({ id: _, sealed_at, ...row }) => ({ ...row, sealed_at: sealed_at.toISOString() })),
    next_cursor: nextCursor,
  };
}
