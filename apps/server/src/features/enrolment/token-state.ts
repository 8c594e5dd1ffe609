import { sql } from "kysely";
import { isSecret, readSecret } from "../../access/secrets.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
}

interface TokenRow {
  readonly secret_sha256: Buffer;
  readonly expires_at: Date;
  readonly used_at: Date | null;
}

/** Whether a text is an enrolment token with which a machine could enrol now, one that opens nothing, or none at all. Nothing is spent by asking. */
export async function enrolmentTokenState(
  { databases, clock }: Deps,
  text: string,
): Promise<"usable" | "refused" | "none"> {
  const claimed = readSecret(text);
  if (claimed?.kind !== "enrol") return "none";
  const { rows } = await sql<TokenRow>`
    select secret_sha256, expires_at, used_at from find_enrolment_token(${claimed.id})`.execute(databases.door);
  const [found] = rows;
  if (found === undefined || !isSecret(claimed, found.secret_sha256)) return "refused";
  return found.used_at === null && found.expires_at > clock.now() ? "usable" : "refused";
}
