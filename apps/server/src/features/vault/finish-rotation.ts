import { type Kysely, sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { recordAudit, theServer } from "../audit/index.ts";
import { findVault, waitingAgents, waitingRepositories } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Removes what belongs to older generations of the vault once nothing needs it: when every machine that is there has sealed its password to the present one, and
 * those of machines that are gone were sealed again. Part of each transaction that may have been the last step.
 */
export async function finishRotation({ database, clock }: Deps): Promise<void> {
  const vault = await findVault(database);
  if (vault === undefined || vault.generation === 1) return;
  const { generation } = vault;
  const older = await database
    .selectFrom("vault_passphrases")
    .select("id")
    .where("generation", "<", generation)
    .execute();
  if (older.length === 0) return;
  const { rows } = await sql<{ waits: boolean }>`
    select exists (${waitingAgents(generation)}) or exists (${waitingRepositories(generation)}) as waits`.execute(
    database,
  );
  if (rows[0]?.waits !== false) return;
  await database.deleteFrom("vault_passphrases").where("generation", "<", generation).execute();
  await database
    .deleteFrom("sealed_passwords as s")
    .where("s.generation", "<", generation)
    // One that was never sealed to this generation is the only one that there is.
    .where(
      sql<boolean>`exists (select from sealed_passwords as n where n.repository_id = s.repository_id and n.generation = ${generation})`,
    )
    .execute();
  await recordAudit(database, clock, {
    by: theServer,
    action: "vault.rotation-finished",
    subject: { kind: "vault", id: vault.recipient },
    details: { generation, removed_passphrases: older.length },
  });
}
