import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { Clock } from "../clock.ts";
import type { Databases } from "../database/databases.ts";
import type { Database } from "../database/schema.ts";
import type { ObjectStorage } from "../object-store/object-storage.ts";
import type { GatewayCaller } from "./caller.ts";

/** What the work on objects and the ledger needs. */
export interface LedgerDeps {
  /** As the tenant sees it whose repository it is. */
  readonly database: Kysely<Database>;
  readonly objects: ObjectStorage;
  readonly log: Pick<FastifyBaseLogger, "info" | "warn" | "error">;
}

/** What deciding about deletions needs besides. */
export interface DeletionDeps extends LedgerDeps {
  readonly clock: Clock;
  /** Whether a plan's retention, by the times at which the server received them, still removes a snapshot of the job's machine. */
  readonly isRemovable: (
    database: Kysely<Database>,
    which: { readonly planId: string; readonly jobId: string | null; readonly snapshotId: string },
  ) => Promise<boolean>;
}

export interface GatewayDeps extends Omit<DeletionDeps, "database"> {
  readonly databases: Databases;
  /** Who sent this request; `undefined` if it carries no valid credential. Rejects with what else is to be answered. */
  readonly authorize: (request: FastifyRequest) => Promise<GatewayCaller | undefined>;
  /** What an agent was told to do with a repository that isn't its own: read it for a restore, or look after it. */
  readonly workOn: (
    database: Kysely<Database>,
    agentId: string,
    repositoryId: string,
  ) => Promise<"restore" | "maintenance" | undefined>;
  /** How long a connection may stay silent in the middle of a transfer. */
  readonly silenceMaxMs?: number;
}
