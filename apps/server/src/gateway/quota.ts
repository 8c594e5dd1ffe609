import type { Kysely } from "kysely";
import type { Database } from "../database/schema.ts";
import type { ObjectKind } from "../object-store/object-name.ts";
import { lockAllowanceBytes } from "./size-limits.ts";

/**
 * Keeps the quotas (`repositories.max_bytes`). Space is set aside before a body is read, so that uploads at the same time don't pass
 * together what none could pass alone. It is set aside in this process only: with several, each may exceed a quota by what the others
 * are receiving at that moment.
 */
export class QuotaKeeper {
  /** One small account for each repository that was ever uploaded to. */
  readonly #accounts = new Map<string, Account>();

  /** Sets space aside for an upload until it is disposed of, or returns `undefined` if it doesn't fit. */
  async reserve(
    database: Kysely<Database>,
    repositoryId: string,
    kind: ObjectKind,
    sizeBytes: number,
  ): Promise<Disposable | undefined> {
    const account = this.#accountOf(repositoryId);
    const { releasedBytes: releasedBefore } = account;
    const { maxBytes, storedBytes } = await readUsage(database, repositoryId);
    // What ended while we asked the database may be missing in its answer, so it still counts. It may then count twice, and an upload
    // that would just have fitted is refused: a quota is not passed, but may be met a little early.
    const pendingBytes = account.reservedBytes - releasedBefore;
    const allowedBytes = maxBytes + (kind === "locks" ? lockAllowanceBytes : 0);
    if (storedBytes + pendingBytes + sizeBytes > allowedBytes) return undefined;
    account.reservedBytes += sizeBytes;
    return {
      [Symbol.dispose]: () => {
        account.releasedBytes += sizeBytes;
      },
    };
  }

  #accountOf(repositoryId: string): Account {
    let account = this.#accounts.get(repositoryId);
    if (account === undefined) this.#accounts.set(repositoryId, (account = { reservedBytes: 0, releasedBytes: 0 }));
    return account;
  }
}

/** Both only grow; their difference is what is set aside now. A process would take millennia to lose a byte of 2^53. */
interface Account {
  reservedBytes: number;
  releasedBytes: number;
}

async function readUsage(
  database: Kysely<Database>,
  repositoryId: string,
): Promise<{ readonly maxBytes: number; readonly storedBytes: number }> {
  const repository = await database
    .selectFrom("repositories")
    .leftJoin("repository_usage", "repository_usage.repository_id", "repositories.id")
    .select(["repositories.max_bytes", "repository_usage.stored_bytes"])
    .where("repositories.id", "=", repositoryId)
    .executeTakeFirst();
  return {
    maxBytes: Number(repository?.max_bytes ?? Infinity),
    storedBytes: Number(repository?.stored_bytes ?? 0),
  };
}
