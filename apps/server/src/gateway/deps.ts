import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
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

export interface GatewayDeps extends Omit<LedgerDeps, "database"> {
  readonly databases: Databases;
  /** Who sent this request; `undefined` if it carries no valid credential. Rejects with what else is to be answered. */
  readonly authorize: (request: FastifyRequest) => Promise<GatewayCaller | undefined>;
  /** Whether an agent may read a repository that isn't its own, because it was told to restore from it. */
  readonly mayRestoreFrom: (database: Kysely<Database>, agentId: string, repositoryId: string) => Promise<boolean>;
  /** How long a connection may stay silent in the middle of a transfer. */
  readonly silenceMaxMs?: number;
}
