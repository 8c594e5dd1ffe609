import { type Kysely, sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";

/** Adds what was read to the hour's row. */
export async function countReading(
  { database, clock }: { readonly database: Kysely<Database>; readonly clock: Clock },
  { objects, bytes, tookMs }: { readonly objects: number; readonly bytes: number; readonly tookMs: number },
): Promise<void> {
  const hour = new Date(clock.now());
  hour.setUTCMinutes(0, 0, 0);
  await sql`
    insert into verification_hours as counted (hour, read_objects, read_bytes, reading_ms)
    values (${hour}, ${objects}, ${bytes}, ${Math.ceil(tookMs)})
    on conflict (tenant_id, hour) do update set
      read_objects = counted.read_objects + excluded.read_objects,
      read_bytes = counted.read_bytes + excluded.read_bytes,
      reading_ms = counted.reading_ms + excluded.reading_ms`.execute(database);
}
