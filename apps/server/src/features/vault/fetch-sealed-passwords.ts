import type { SealedPasswordOf } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { listSealedPasswords, type SealedPasswordFilter } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Hands out sealed passwords, and writes down to whom. */
export async function fetchSealedPasswords(
  { database, clock }: Deps,
  by: Actor,
  filter: SealedPasswordFilter,
): Promise<{ sealed_passwords: SealedPasswordOf[]; next_cursor: string | null }> {
  return await database.transaction().execute(async (transaction) => {
    const page = await listSealedPasswords(transaction, filter);
    const { repository_id: id } = filter;
    await recordAudit(transaction, clock, {
      by,
      action: "vault.passwords-fetched",
      subject: id === undefined ? { kind: "vault" } : { kind: "repository", id },
      details: { count: page.sealed_passwords.length },
    });
    return page;
  });
}
