import type { Health } from "@saveos/contract";
import { sql } from "kysely";
import type { Databases } from "../../database/databases.ts";
import type { ObjectStorage } from "../../object-store/index.ts";
import { errorText } from "../../server-error.ts";
import { version } from "../../version.ts";

interface Deps {
  readonly databases: Pick<Databases, "door">;
  readonly objects: ObjectStorage;
  readonly log: { error(details: object, message: string): void };
}

/** What doesn't answer in this time counts as failed: whoever asks about health has a time-out of its own. */
const checkTimeoutMs = 5000;

/** Anyone may ask, and as often as they like: the checks themselves run no more than this often. */
const freshForMs = 2000;

/** Makes a function that tells whether the server can do its work. Why it can't is for the log alone. */
export function healthCheck({ databases, objects, log }: Deps): () => Promise<Health> {
  const checkDatabase = async () => void (await sql`select 1`.execute(databases.door));
  let current: { readonly since: number; readonly health: Promise<Health> } | undefined;

  const check = async (name: string, work: () => Promise<void>): Promise<"ok" | "failed"> => {
    try {
      await withTimeout(work());
      return "ok";
    } catch (error) {
      log.error({ check: name, reason: errorText(error) }, "not ready");
      return "failed";
    }
  };

  const checkAll = async (): Promise<Health> => {
    const [databaseState, objectStoreState] = await Promise.all([
      check("database", checkDatabase),
      check("object store", async () => await objects.health()),
    ]);
    const isReady = databaseState === "ok" && objectStoreState === "ok";
    const checks = { database: databaseState, object_store: objectStoreState };
    return { status: isReady ? "ready" : "not-ready", version, checks };
  };

  return async () => {
    const now = performance.now();
    if (current === undefined || now - current.since > freshForMs) current = { since: now, health: checkAll() };
    return await current.health;
  };
}

async function withTimeout(work: Promise<void>): Promise<void> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new DOMException("no answer in time", "TimeoutError")), checkTimeoutMs);
  await Promise.race([work, timeout.promise]).finally(() => clearTimeout(timer));
}
