import { randomUUID } from "node:crypto";
import type { addPassphraseRequest, Passphrase } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { z } from "zod";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { lockVault, toPassphrase } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** More people than administer one tenant. */
const passphrasesMax = 100;

/** Keeps one more passphrase's lock on the identity. 409 for one of an older generation, for a label that is taken, or if there are too many. */
export async function addPassphrase(
  { database, clock }: Deps,
  by: Actor,
  createdBy: string,
  { label, locked_identity, generation }: z.output<typeof addPassphraseRequest>,
): Promise<Passphrase> {
  return await inTransaction(database, async (transaction) => {
    const vault = await lockVault(transaction);
    if (vault.generation !== generation)
      throw new ProblemError(409, "The vault has been rotated meanwhile. Open it anew, and add the passphrase then.");
    const present = await transaction
      .selectFrom("vault_passphrases")
      .select("label")
      .where("generation", "=", generation)
      .execute();
    if (present.some((other) => other.label === label))
      throw new ProblemError(409, `There is a passphrase "${label}" already. Remove it first, or choose another name.`);
    if (present.length >= passphrasesMax)
      throw new ProblemError(409, `The vault has ${passphrasesMax} passphrases, which is the most. Remove one first.`);
    const added = await transaction
      .insertInto("vault_passphrases")
      .values({
        id: randomUUID(),
        generation,
        label,
        locked_identity,
        created_at: clock.now(),
        created_by: createdBy,
        last_fetched_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await recordAudit(transaction, clock, {
      by,
      action: "vault.passphrase-added",
      subject: { kind: "vault-passphrase", id: added.id, name: label },
    });
    await publish(transaction, { type: "vault", id: "vault", agent_id: null });
    return toPassphrase(added);
  });
}
