import { sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { defineTask, noData } from "../../queue/tasks.ts";

/** Every hour, so that a day's row is right to the hour even if the server is away at midnight. */
export const countUsageTask = defineTask({ name: "count-usage", data: noData, cron: "5 * * * *" });

/** Writes down what each repository holds, as the row of the day (UTC). The last count of a day stands. */
export async function countUsage({ databases, clock }: { databases: Databases; clock: Clock }): Promise<void> {
  const day = clock.now().toISOString().slice(0, 10);
  for (const tenantId of await databases.tenantIds()) {
    await sql`
      insert into usage_days (repository_id, day, stored_bytes, object_count, snapshot_count)
      select usage.repository_id, ${day}::date, usage.stored_bytes, usage.object_count, (
        select count(*) from objects
        where objects.repository_id = usage.repository_id and kind = 'snapshots' and deleting_since is null and missing_since is null
      )
      from repository_usage as usage
      on conflict (repository_id, day) do update
        set stored_bytes = excluded.stored_bytes, object_count = excluded.object_count, snapshot_count = excluded.snapshot_count`.execute(
      databases.ofTenant(tenantId),
    );
  }
}
