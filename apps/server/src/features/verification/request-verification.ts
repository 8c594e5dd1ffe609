import type { RepositoryVerification } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { showRepositoryProgress } from "./show-progress.ts";

/** More often tells nobody anything new, and each time costs the storage the whole repository. */
const requestsEveryMs = 60 * 60 * 1000;

/** Has a repository read again before all others, whenever it was last. 404 if there is none; 429 if it was asked for less than an hour ago. */
export async function requestVerification(
  deps: { readonly database: Kysely<Database>; readonly clock: Clock },
  by: Actor,
  repositoryId: string,
): Promise<RepositoryVerification> {
  const { database, clock } = deps;
  await showRepositoryProgress(deps, repositoryId);
  const now = clock.now();
  const requested = await database
    .insertInto("verification_requests")
    .values({ repository_id: repositoryId, requested_at: now, finished_at: null })
    .onConflict((conflict) =>
      conflict
        .column("repository_id")
        .doUpdateSet({ requested_at: now, finished_at: null })
        .where("verification_requests.requested_at", "<=", new Date(now.getTime() - requestsEveryMs)),
    )
    .executeTakeFirst();
  if (requested.numInsertedOrUpdatedRows === 0n) {
    const headers = { "retry-after": String(requestsEveryMs / 1000) };
    throw new ProblemError(429, "This repository was asked for less than an hour ago.", { headers });
  }
  const subject = { kind: "repository", id: repositoryId };
  await recordAudit(database, clock, { by, action: "verification.requested", subject });
  return await showRepositoryProgress(deps, repositoryId);
}
