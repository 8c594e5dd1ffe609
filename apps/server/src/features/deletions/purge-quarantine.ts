import { type Kysely, sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { purgeObject } from "../../gateway/index.ts";
import type { DeletableName, ObjectStorage } from "../../object-store/index.ts";
import type { Queue } from "../../queue/queue.ts";
import { defineTask, noData } from "../../queue/tasks.ts";
import { recordAudit, theServer } from "../audit/index.ts";
import { inSteps } from "./in-steps.ts";

/** Every hour: days are meant to the hour. */
export const purgeTask = defineTask({ name: "purge-quarantine", data: noData, cron: "41 * * * *" });

const dayMs = 24 * 60 * 60 * 1000;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
  readonly objects: ObjectStorage;
}

/** Deletes for good what has been in quarantine for longer than its tenant wants, in steps: another task goes on where this one ends. */
export async function purgeQuarantine(deps: Deps): Promise<void> {
  const { databases, queue } = deps;
  for (const tenantId of await databases.tenantIds()) {
    const database = databases.ofTenant(tenantId);
    if (await purgeTenant(deps, database)) continue;
    await queue.enqueue(database, purgeTask, [{ data: {} }]);
    return;
  }
}

interface Held {
  readonly repository_id: string;
  readonly kind: DeletableName["kind"];
  readonly name: string;
}

/** False if there is more to do. */
async function purgeTenant({ clock, objects }: Deps, database: Kysely<Database>): Promise<boolean> {
  const tenant = await database.selectFrom("tenants").select("quarantine_days").executeTakeFirst();
  if (tenant === undefined) return true;
  const before = new Date(clock.now().getTime() - tenant.quarantine_days * dayMs);
  const purged = new Map<string, { objects: number; bytes: number }>();
  const isDone = await inSteps(
    clock,
    async (limit) => await selectOlder(database, before, limit),
    async ({ repository_id, kind, name }) => {
      const bytes = await purgeObject({ database, objects }, repository_id, { kind, name }, before);
      if (bytes === undefined) return;
      const sum = purged.get(repository_id) ?? { objects: 0, bytes: 0 };
      purged.set(repository_id, { objects: sum.objects + 1, bytes: sum.bytes + bytes });
    },
  );
  for (const [id, details] of purged) {
    const subject = { kind: "repository", id };
    await recordAudit(database, clock, { by: theServer, action: "quarantine.purged", subject, details });
  }
  return isDone;
}

/** A repository of which something is being brought back waits. */
async function selectOlder(database: Kysely<Database>, before: Date, limit: number): Promise<Held[]> {
  const { rows } = await sql<Held>`
    select repository_id, kind, name from quarantined_objects as held
    where quarantined_at < ${before}
      and not exists (select from undeletes where undeletes.repository_id = held.repository_id and finished_at is null)
    order by quarantined_at limit ${limit}`.execute(database);
  return rows;
}
