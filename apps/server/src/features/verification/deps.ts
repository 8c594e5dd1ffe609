import type { FastifyBaseLogger } from "fastify";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import type { ObjectStorage } from "../../object-store/index.ts";

/** What it takes to read a tenant's objects again. */
export interface ReadingDeps {
  /** As the tenant sees it whose objects are read. */
  readonly database: Kysely<Database>;
  readonly objects: ObjectStorage;
  readonly clock: Clock;
  readonly log: Pick<FastifyBaseLogger, "info" | "warn" | "error">;
  /** Waited for after each piece that is read. Rejects when the worker stops. */
  readonly onRead: (bytes: number) => Promise<void>;
}
