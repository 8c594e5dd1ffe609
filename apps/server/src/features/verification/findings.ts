import { randomUUID } from "node:crypto";
import type { FindingState } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import { labelOf } from "../../object-store/object-name.ts";
import { publish } from "../../live-events/live-events.ts";
import { recordAudit, theServer } from "../audit/index.ts";
import type { Claim, ClaimedObject } from "./claim-objects.ts";
import type { ReadingDeps } from "./deps.ts";
import type { Trouble } from "./examine.ts";

/** What could not be read is tried again after an hour: most troubles of a disk or a bucket have passed by then. */
const suspectedAgainMs = 60 * 60 * 1000;
/** What is certain is looked at every day, in case somebody mended it. */
const foundAgainMs = 24 * 60 * 60 * 1000;

export function nextReading(clock: Clock, state: FindingState): Date {
  return new Date(clock.now().getTime() + (state === "suspected" ? suspectedAgainMs : foundAgainMs));
}

/**
 * Writes down that an object in hand isn't right, and tells those who watch. Nothing is written about one that was deleted, or stored again, since it was taken.
 */
export async function openFinding(
  { database, clock, log }: Pick<ReadingDeps, "database" | "clock" | "log">,
  { until }: Pick<Claim, "until">,
  { repositoryId, object, sizeBytes }: ClaimedObject,
  { what, state, detail }: Trouble,
): Promise<void> {
  const now = clock.now();
  const isNew = await inTransaction(database, async (transaction) => {
    const held = await transaction
      .updateTable("objects")
      .set({ damaged_since: now, verify_after: null, ...(what === "missing" ? { missing_since: now } : {}) })
      .where((row) =>
        row.and({ repository_id: repositoryId, kind: object.kind, name: object.name, verify_after: until }),
      )
      .where("deleting_since", "is", null)
      .executeTakeFirst();
    if (held.numUpdatedRows === 0n) return false;
    await insertFinding(transaction, clock, {
      repositoryId,
      kind: object.kind,
      name: object.name,
      sizeBytes,
      trouble: { what, state, detail },
    });
    return true;
  });
  if (!isNew) return;
  const about = { repositoryId, object: labelOf(object), what, state, detail };
  if (state === "found") log.error(about, "a stored object isn't what it was stored as");
  else log.warn(about, "a stored object could not be read: it is tried again");
}

interface NewFinding {
  readonly repositoryId: string;
  readonly kind: ClaimedObject["object"]["kind"];
  readonly name: string;
  readonly sizeBytes: number;
  readonly trouble: Trouble;
}

async function insertFinding(
  transaction: Kysely<Database>,
  clock: Clock,
  { repositoryId, kind, name, sizeBytes, trouble: { what, state, detail } }: NewFinding,
): Promise<void> {
  const now = clock.now();
  const id = randomUUID();
  const inserted = await transaction
    .insertInto("verification_findings")
    .values({
      id,
      repository_id: repositoryId,
      kind,
      name,
      size_bytes: sizeBytes,
      what,
      state,
      detail,
      found_at: now,
      changed_at: now,
      next_reading_at: nextReading(clock, state),
      // A snapshot is what it is, whoever can read it.
      snapshots_at_risk: kind === "snapshots" ? [name] : null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 0n) return;
  await publish(transaction, { type: "finding", id, agent_id: null });
  const subject = { kind: "repository", id: repositoryId };
  const details = { finding: id, object: `${kind}/${name}`, what, state };
  await recordAudit(transaction, clock, { by: theServer, action: "verification.found", subject, details });
}

/** Makes findings of the objects that were seen to be gone otherwise, such as when the ledger was compared with the storage. */
export async function openFindingsOfLost({
  database,
  clock,
  log,
}: Pick<ReadingDeps, "database" | "clock" | "log">): Promise<void> {
  await inTransaction(database, async (transaction) => {
    const lost = await transaction
      .updateTable("objects")
      .set({ damaged_since: clock.now(), verify_after: null })
      .where("missing_since", "is not", null)
      .where("damaged_since", "is", null)
      .where("deleting_since", "is", null)
      .returning(["repository_id", "kind", "name", "size_bytes"])
      .execute();
    const detail = "The storage doesn't have it, and nobody deleted it.";
    for (const { repository_id, kind, name, size_bytes } of lost) {
      await insertFinding(transaction, clock, {
        repositoryId: repository_id,
        kind,
        name,
        sizeBytes: Number(size_bytes),
        trouble: { what: "missing", state: "found", detail },
      });
    }
    if (lost.length > 0) log.error({ objects: lost.length }, "objects are gone from the storage that nobody deleted");
  });
}

/** Moves a finding on, and tells those who watch. False if it wasn't in one of these states any more. */
export async function moveFinding(
  transaction: Kysely<Database>,
  clock: Clock,
  id: string,
  from: readonly FindingState[],
  to: FindingState,
  more: { readonly job_id?: string; readonly snapshots_at_risk?: string[] } = {},
): Promise<boolean> {
  const isClosed = to === "repaired" || to === "removed";
  const moved = await transaction
    .updateTable("verification_findings")
    .set({
      state: to,
      changed_at: clock.now(),
      next_reading_at: isClosed ? null : nextReading(clock, to),
      ...more,
    })
    .where("id", "=", id)
    .where("state", "in", from)
    .executeTakeFirst();
  if (moved.numUpdatedRows === 0n) return false;
  await publish(transaction, { type: "finding", id, agent_id: null });
  return true;
}
