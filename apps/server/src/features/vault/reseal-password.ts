import { randomUUID } from "node:crypto";
import type { resealPasswordRequest } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { finishRotation } from "./finish-rotation.ts";
import { lockVault } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Keeps a password that somebody with the vault's older identity has sealed again: of a machine that is gone, nobody else could. 404 unless that agent has sealed it
 * before; 409 for another generation than the present one, or if it was sealed again already: nothing is replaced.
 */
export async function resealPassword(
  { database, clock }: Deps,
  by: Actor,
  { repository_id, agent_id, generation, sealed }: z.output<typeof resealPasswordRequest>,
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const vault = await lockVault(transaction);
    if (vault.generation !== generation)
      throw new ProblemError(409, `The vault is at generation ${vault.generation}, not ${generation}.`);
    const before = await transaction
      .selectFrom("sealed_passwords")
      .select(["generation", "kept_as"])
      .where("repository_id", "=", repository_id)
      .where("agent_id", "=", agent_id)
      .execute();
    if (before.length === 0) throw notFound("sealed password");
    if (before.some((other) => other.generation === generation && other.kept_as === "resealed"))
      throw new ProblemError(409, "This password was sealed again already.");
    await transaction
      .insertInto("sealed_passwords")
      .values({
        id: randomUUID(),
        repository_id,
        agent_id,
        generation,
        kept_as: "resealed",
        sealed,
        sealed_at: clock.now(),
      })
      .execute();
    await recordAudit(transaction, clock, {
      by,
      action: "vault.password-resealed",
      subject: { kind: "repository", id: repository_id },
      details: { generation, agent_id },
    });
    await finishRotation({ database: transaction, clock });
    await publish(transaction, { type: "vault", id: "vault", agent_id });
  });
}
