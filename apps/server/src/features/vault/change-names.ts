import { namesStatement, type SignedStatement } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { lockVault } from "./queries.ts";
import { readSigned, readStored } from "./signed-statement.ts";
import { wakeAgents } from "./wake-agents.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Keeps the vault's choice whether the server may see names in reports, and tells the agents. 409 for one that is older than the choice that there is. */
export async function changeNames({ database, clock }: Deps, by: Actor, names: SignedStatement): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const vault = await lockVault(transaction);
    const choice = readSigned(namesStatement, names, vault.verify_key);
    const serial = vault.names === null ? 0 : readStored(namesStatement, vault.names).serial;
    if (choice.from !== vault.recipient || choice.serial <= serial)
      throw new ProblemError(409, "This choice about names is an older one. Read the vault again, and decide anew.");
    await transaction
      .updateTable("vaults")
      .set({ names: JSON.stringify(names), version: vault.version + 1 })
      .execute();
    await recordAudit(transaction, clock, {
      by,
      action: "vault.names-changed",
      subject: { kind: "vault", id: vault.recipient },
      details: { visible: choice.visible },
    });
    await wakeAgents(transaction);
    await publish(transaction, { type: "vault", id: "vault", agent_id: null });
  });
}
