import { randomUUID } from "node:crypto";
import { namesStatement, type RotateVaultRequest, rotationStatement } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { finishRotation } from "./finish-rotation.ts";
import { lockVault } from "./queries.ts";
import { readSigned } from "./signed-statement.ts";
import { wakeAgents } from "./wake-agents.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Moves the vault to a new identity, as its present one has signed, and tells the agents, which then seal their passwords again. The older identity stays, locked,
 * until they all have. 400 for what the vault hasn't signed; 409 if it has moved meanwhile.
 */
export async function rotateVault(
  { database, clock }: Deps,
  by: Actor,
  createdBy: string,
  { rotation, passphrases, names }: RotateVaultRequest,
): Promise<void> {
  const now = clock.now();
  await inTransaction(database, async (transaction) => {
    const vault = await lockVault(transaction);
    const next = readSigned(rotationStatement, rotation, vault.verify_key);
    if (next.from !== vault.recipient || next.generation !== vault.generation + 1)
      throw new ProblemError(409, "The vault has been rotated meanwhile. Open it anew.");
    if (names !== null && readSigned(namesStatement, names, next.to_verify_key).from !== next.to)
      throw new ProblemError(400, "The choice about names is another vault's.");
    const { generation } = next;
    await transaction
      .updateTable("vaults")
      .set({
        recipient: next.to,
        verify_key: next.to_verify_key,
        generation,
        names: names === null ? null : JSON.stringify(names),
        version: vault.version + 1,
      })
      .execute();
    await transaction
      .insertInto("vault_rotations")
      .values({ generation, signed: JSON.stringify(rotation), rotated_at: now })
      .execute();
    for (const passphrase of passphrases)
      await transaction
        .insertInto("vault_passphrases")
        .values({
          id: randomUUID(),
          generation,
          ...passphrase,
          created_at: now,
          created_by: createdBy,
          last_fetched_at: null,
        })
        .execute();
    await recordAudit(transaction, clock, {
      by,
      action: "vault.rotated",
      subject: { kind: "vault", id: next.to },
      details: { from: next.from, generation, passphrases: passphrases.map(({ label }) => label) },
    });
    // Where no machine has sealed anything yet, that is all.
    await finishRotation({ database: transaction, clock });
    await wakeAgents(transaction);
    await publish(transaction, { type: "vault", id: "vault", agent_id: null });
  });
}
