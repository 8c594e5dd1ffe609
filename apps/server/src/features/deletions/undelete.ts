import { randomUUID } from "node:crypto";
import type { Undelete } from "@saveos/contract";
import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { bringObjectBack, isBeingDeleted, oneAtATime } from "../../gateway/index.ts";
import type { UndeletesTable } from "../../gateway/schema.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import type { DeletableName, ObjectStorage } from "../../object-store/index.ts";
import type { Queue } from "../../queue/queue.ts";
import { defineTask } from "../../queue/tasks.ts";
import { type Actor, recordAudit, theServer } from "../audit/index.ts";
import { inSteps } from "./in-steps.ts";

/** A snapshot is to be brought back. The work is done in steps, each a task of its own, so that a kill costs one step. */
export const bringBack = defineTask({
  name: "bring-back",
  data: z.object({ tenantId: z.string(), undeleteId: z.string() }),
});

interface StartDeps {
  readonly database: Transaction<Database>;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/**
 * Begins to bring a snapshot back whole: its file, and every pack and index file that was deleted since the server received it. That is all that it can
 * need, whoever deleted it and in which order; what is superfluous the next prune removes. From now on until it is done, nothing of the repository is deleted:
 * a prune that was going on would not know of the snapshot. Asked again it goes on as before. 404 if there is no such snapshot, neither stored nor in
 * quarantine; 409 while something may be deleted, or another snapshot is being brought back.
 */
export async function startUndelete(
  { database, clock, queue }: StartDeps,
  { tenantId, by }: { readonly tenantId: string; readonly by: Actor },
  repositoryId: string,
  snapshotId: string,
): Promise<Undelete> {
  return await oneAtATime(database, repositoryId, async (transaction) => {
    const running = await transaction
      .selectFrom("undeletes")
      .selectAll()
      .where("repository_id", "=", repositoryId)
      .where("finished_at", "is", null)
      .executeTakeFirst();
    if (running?.snapshot_id === snapshotId) {
      // Its task may have been given up.
      await queue.enqueue(transaction, bringBack, [{ data: { tenantId, undeleteId: running.id } }]);
      return toUndelete(running);
    }
    if (running !== undefined)
      throw new ProblemError(409, `The snapshot ${running.snapshot_id} is being brought back: one after the other.`);
    const since = await receivedAt(transaction, repositoryId, snapshotId);
    if (since === undefined) throw notFound("snapshot, neither stored nor in quarantine");
    if (await isBeingDeleted(transaction, repositoryId, clock.now()))
      throw new ProblemError(
        409,
        "A job or an API key may delete something of this repository now. Cancel the job or end the grant first, or wait for it.",
      );
    const row = await transaction
      .insertInto("undeletes")
      .values({
        id: randomUUID(),
        repository_id: repositoryId,
        snapshot_id: snapshotId,
        since,
        started_at: clock.now(),
        finished_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await queue.enqueue(transaction, bringBack, [{ data: { tenantId, undeleteId: row.id } }]);
    const subject = { kind: "repository", id: repositoryId };
    const details = { snapshot_id: snapshotId };
    await recordAudit(transaction, clock, { by, action: "snapshot.undelete-begun", subject, details });
    return toUndelete(row);
  });
}

/** When the server received a snapshot, deleted or not. A deleted one's quarantine is made to begin now, so that no purge comes first. */
async function receivedAt(
  transaction: Transaction<Database>,
  repositoryId: string,
  snapshotId: string,
): Promise<Date | undefined> {
  const key = { repository_id: repositoryId, kind: "snapshots", name: snapshotId } as const;
  const held = await transaction
    .updateTable("quarantined_objects")
    .set({ quarantined_at: sql<Date>`now()` })
    .where((row) => row.and(key))
    .returning("stored_at")
    .executeTakeFirst();
  if (held !== undefined) return held.stored_at;
  const stored = await transaction
    .selectFrom("objects")
    .select("stored_at")
    .where((row) => row.and(key))
    .where("missing_since", "is", null)
    .executeTakeFirst();
  return stored?.stored_at;
}

export async function findUndelete(database: Kysely<Database>, id: string): Promise<Undelete> {
  const row = await database.selectFrom("undeletes").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw notFound("undelete");
  return toUndelete(row);
}

interface WorkDeps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
  readonly objects: ObjectStorage;
  readonly log: { error(details: object, message: string): void };
}

/** Brings back a part of what a snapshot needs, and asks for the next step; at the end the snapshot itself. Packs come before the index that names them. */
export async function continueUndelete(
  deps: WorkDeps,
  { tenantId, undeleteId }: z.infer<typeof bringBack.data>,
): Promise<void> {
  const database = deps.databases.ofTenant(tenantId);
  const row = await database.selectFrom("undeletes").selectAll().where("id", "=", undeleteId).executeTakeFirst();
  if (row === undefined || row.finished_at !== null) return;
  for (const kind of ["data", "index"] as const) {
    const isDone = await inSteps(
      deps.clock,
      async (limit) => await selectDeleted(database, row, kind, limit),
      async (name) => await bringBackOne({ ...deps, database }, row, { kind, name }),
    );
    if (!isDone) return await askForNextStep(deps, database, tenantId, undeleteId);
  }
  await bringBackOne({ ...deps, database }, row, { kind: "snapshots", name: row.snapshot_id });
  await finish({ ...deps, database }, row);
}

/** Asks again for what was begun long ago and isn't done: its task failed too often, such as while the storage was away. Until it is done nothing can be deleted. */
export async function reviveUndeletes({ databases, clock, queue }: Pick<WorkDeps, "databases" | "clock" | "queue">) {
  const before = new Date(clock.now().getTime() - undeleteGivenUpMs);
  for (const tenantId of await databases.tenantIds()) {
    const database = databases.ofTenant(tenantId);
    const late = await database
      .selectFrom("undeletes")
      .select("id")
      .where("finished_at", "is", null)
      .where("started_at", "<", before)
      .execute();
    const entries = late.map(({ id }) => ({ data: { tenantId, undeleteId: id } }));
    await queue.enqueue(database, bringBack, entries);
  }
}

/** A task is tried again for half an hour. */
const undeleteGivenUpMs = 60 * 60 * 1000;

type Row = Selectable<UndeletesTable>;

async function selectDeleted(
  database: Kysely<Database>,
  { repository_id, since }: Row,
  kind: "data" | "index",
  limit: number,
) {
  const rows = await database
    .selectFrom("quarantined_objects")
    .select("name")
    .where("repository_id", "=", repository_id)
    .where("kind", "=", kind)
    .where("quarantined_at", ">=", since)
    .limit(limit)
    .execute();
  return rows.map(({ name }) => name);
}

type ObjectDeps = Omit<WorkDeps, "databases"> & { readonly database: Kysely<Database> };

async function bringBackOne(deps: ObjectDeps, { id, repository_id }: Row, object: DeletableName): Promise<void> {
  const back = await bringObjectBack(deps, repository_id, object);
  if (back === "lost")
    deps.log.error({ repositoryId: repository_id, ...object }, "an object is gone from quarantine that nobody purged");
  if (typeof back !== "number") return;
  await deps.database
    .updateTable("undeletes")
    .set({ object_count: sql<bigint>`object_count + 1`, byte_count: sql<bigint>`byte_count + ${back}` })
    .where("id", "=", id)
    .execute();
}

async function askForNextStep(
  { queue }: WorkDeps,
  database: Kysely<Database>,
  tenantId: string,
  undeleteId: string,
): Promise<void> {
  await queue.enqueue(database, bringBack, [{ data: { tenantId, undeleteId } }]);
}

async function finish({ database, clock }: ObjectDeps, { id, repository_id, snapshot_id }: Row): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const done = await transaction
      .updateTable("undeletes")
      .set({ finished_at: clock.now() })
      .where("id", "=", id)
      .where("finished_at", "is", null)
      .returningAll()
      .executeTakeFirst();
    if (done === undefined) return;
    const subject = { kind: "repository", id: repository_id };
    const details = { snapshot_id, objects: Number(done.object_count), bytes: Number(done.byte_count) };
    await recordAudit(transaction, clock, { by: theServer, action: "snapshot.undeleted", subject, details });
    await publish(transaction, { type: "snapshot", id: snapshot_id, agent_id: null });
  });
}

function toUndelete(row: Row): Undelete {
  return {
    id: row.id,
    repository_id: row.repository_id,
    snapshot_id: row.snapshot_id,
    state: row.finished_at === null ? "running" : "completed",
    started_at: row.started_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
    objects: Number(row.object_count),
    bytes: Number(row.byte_count),
  };
}
