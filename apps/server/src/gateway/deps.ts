import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { Database } from "../database/schema.ts";
import type { ObjectStorage } from "../object-store/object-storage.ts";
import type { GatewayCaller } from "./caller.ts";

/** What the work on objects and the ledger needs. */
export interface LedgerDeps {
  readonly database: Kysely<Database>;
  readonly objects: ObjectStorage;
  readonly log: Pick<FastifyBaseLogger, "info" | "warn" | "error">;
}

export interface GatewayDeps extends LedgerDeps {
  /** Who sent this request; `undefined` if it carries no valid credential. */
  readonly authorize: (request: FastifyRequest) => Promise<GatewayCaller | undefined>;
  /** How long a connection may stay silent in the middle of a transfer. */
  readonly silenceMaxMs?: number;
}
