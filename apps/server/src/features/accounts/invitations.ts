import type { Role } from "@saveos/contract";
import type { Transaction } from "kysely";
import { isSecret, makeSecret, readSecret } from "../../access/secrets.ts";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";
import { ProblemError } from "../../http/problem.ts";

/** An invitation that was used just now: to join a tenant, or, without one, to set the server up. */
export interface UsedInvitation {
  readonly id: string;
  readonly to: { readonly tenantId: string; readonly email: string; readonly role: Role } | undefined;
}

/** A link's secret, shown once, and what is kept of it. */
export function newInvitation(now: Date, livesMs: number) {
  const secret = makeSecret("invite");
  return {
    token: secret.text,
    row: {
      id: secret.id,
      secretSha256: secret.sha256,
      createdAt: now,
      expiresAt: new Date(now.getTime() + livesMs),
      usedAt: null,
    },
  };
}

/** Spends an invitation, once: of two that come with it at the same moment, one gets in. Refuses with 401 one that is unknown or has expired, with 409 one that was used. */
export async function spendInvitation(
  transaction: Transaction<AccountsDatabase>,
  token: string,
  now: Date,
): Promise<UsedInvitation> {
  const claimed = readSecret(token);
  if (claimed?.kind !== "invite") throw new ProblemError(401, "This is not a link that was made for you.");
  const found = await transaction
    .selectFrom("invitations")
    .selectAll()
    .where("id", "=", claimed.id)
    .forUpdate()
    .executeTakeFirst();
  if (found === undefined || !isSecret(claimed, found.secretSha256))
    throw new ProblemError(401, "This link is unknown.");
  if (found.usedAt !== null) throw new ProblemError(409, "This link was used already.");
  if (found.expiresAt <= now) throw new ProblemError(401, "This link has expired. Ask for a new one.");
  await transaction.updateTable("invitations").set({ usedAt: now }).where("id", "=", found.id).execute();
  const { id, tenantId, email, role } = found;
  if (tenantId === null || email === null || role === null) return { id, to: undefined };
  return { id, to: { tenantId, email, role } };
}
