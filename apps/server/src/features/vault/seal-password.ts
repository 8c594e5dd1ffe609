import { randomUUID } from "node:crypto";
import type { SealPasswordRequest } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { AgentCaller } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { finishRotation } from "./finish-rotation.ts";
import { lockVault } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Keeps the password of an agent's own repository as the agent has sealed it. What it sealed first to this generation stays, and beside it what it sealed last.
 * 409 for another generation than the vault's present one: the agent must follow the vault first.
 */
export async function sealPassword(
  { database, clock }: Deps,
  { agentId, repositoryId, name }: AgentCaller,
  by: Actor,
  { generation, sealed }: SealPasswordRequest,
): Promise<void> {
  const now = clock.now();
  await database.transaction().execute(async (transaction) => {
    const vault = await lockVault(transaction);
    if (vault.generation !== generation)
      throw new ProblemError(409, `The vault is at generation ${vault.generation}, not ${generation}.`);
    const row = { repository_id: repositoryId, agent_id: agentId, generation, sealed, sealed_at: now };
    const first = await transaction
      .insertInto("sealed_passwords")
      .values({ id: randomUUID(), ...row, kept_as: "first" })
      .onConflict((conflict) => conflict.doNothing())
      .returning("id")
      .executeTakeFirst();
    if (first === undefined)
      await transaction
        .insertInto("sealed_passwords")
        .values({ id: randomUUID(), ...row, kept_as: "last" })
        .onConflict((conflict) =>
          conflict
            .columns(["repository_id", "agent_id", "generation", "kept_as"])
            .doUpdateSet({ sealed, sealed_at: now }),
        )
        .execute();
    await recordAudit(transaction, clock, {
      by,
      action: "vault.password-sealed",
      subject: { kind: "repository", id: repositoryId, name },
      details: { generation },
    });
    await finishRotation({ database: transaction, clock });
    await publish(transaction, { type: "vault", id: "vault", agent_id: agentId });
  });
}
