import { snapshotsMin } from "@saveos/contract";
import { type Selectable, sql, type Transaction } from "kysely";
import type { Database } from "../database/schema.ts";
import { type DeletableName, isDeletable, labelOf, type ObjectName } from "../object-store/object-name.ts";
import { isObjectStorageError } from "../object-store/object-storage-error.ts";
import { type GatewayCaller, describeCaller } from "./caller.ts";
import { type GrantRow, liveGrants } from "./deletion-grants.ts";
import type { DeletionDeps, LedgerDeps } from "./deps.ts";
import { beginDeletion, endDeletion, recordMet } from "./ledger.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { beginQuarantining, finishQuarantining } from "./quarantine.ts";
import type { Refusal } from "./refusal.ts";
import type { ObjectsTable } from "./schema.ts";

interface Deletion {
  readonly caller: GatewayCaller;
  readonly repositoryId: string;
  readonly object: ObjectName;
  /** What an agent shows for its job. */
  readonly token: string | undefined;
}

type Row = Pick<Selectable<ObjectsTable>, "size_bytes" | "deleting_since" | "deleting_by_grant">;

/**
 * Deletes an object; one that isn't there is fine. Locks go at once. Anything else takes a second one's word, a grant, and goes to quarantine, so that neither a
 * stolen credential nor a mistaken policy destroys history. Nobody may delete a config, nor the last key: without either of them nothing of the repository can be
 * opened any more.
 */
export async function deleteObject(deps: DeletionDeps, deletion: Deletion): Promise<Refusal | "deleted"> {
  const { repositoryId, object } = deletion;
  if (object.kind === "locks") {
    await deleteLock(deps, deletion);
    return "deleted";
  }
  if (!isDeletable(object)) return refuse(deps, deletion, forbidden("A repository's config is never deleted."));
  await meet(deps, repositoryId, object);
  const decision = await oneAtATime(deps.database, repositoryId, async (transaction) => {
    return await beginIfGranted({ ...deps, database: transaction }, { ...deletion, object });
  });
  if (typeof decision === "object") return refuse(deps, deletion, decision);
  if (decision === "begun") await finishQuarantining(deps, repositoryId, object);
  return "deleted";
}

/** The row says first that a deletion has begun: cut off anywhere, it is later seen for what it is and not taken for a loss. */
async function deleteLock({ database, objects }: LedgerDeps, { repositoryId, object }: Deletion): Promise<void> {
  await beginDeletion(database, repositoryId, object);
  await objects.delete(repositoryId, object);
  await endDeletion(database, repositoryId, object);
}

/** What is judged by the ledger must be in it. */
async function meet(deps: LedgerDeps, repositoryId: string, object: DeletableName): Promise<void> {
  if ((await findRow(deps, repositoryId, object)) !== undefined) return;
  try {
    const facts = await deps.objects.stat(repositoryId, object);
    await recordMet(deps, repositoryId, object.kind, [{ name: object.name, ...facts }]);
  } catch (error) {
    if (!isObjectStorageError(error, "not-found")) throw error;
  }
}

type Locked = Omit<DeletionDeps, "database"> & { readonly database: Transaction<Database> };
type Asked = Deletion & { readonly object: DeletableName };

/**
 * Decides, and writes down that the deletion has begun: for each repository one after another, so that what two would do together is never more than one may.
 * The object itself is moved afterwards, and may be slow.
 */
async function beginIfGranted(deps: Locked, deletion: Asked): Promise<Refusal | "begun" | "absent"> {
  const { database } = deps;
  const { caller, repositoryId, object, token } = deletion;
  const grants = await liveGrants(deps, { caller, repositoryId, kind: object.kind, token });
  if (grants.length === 0) return forbidden(noGrant(caller));
  if (await isBroughtBack(deps, repositoryId)) return beingBroughtBack;
  const row = await findRow(deps, repositoryId, object);
  if (row === undefined) return "absent";
  // It was let begin before, and the answer was lost.
  if (row.deleting_since !== null && grants.some(({ id }) => id === row.deleting_by_grant)) return "begun";
  let objection: string | undefined;
  for (const grant of grants) {
    objection = await objectionTo(deps, deletion, grant, Number(row.size_bytes));
    if (objection !== undefined) continue;
    await count(database, grant, row);
    await beginQuarantining(database, repositoryId, object, grant.id);
    return "begun";
  }
  return forbidden(objection ?? noGrant(caller));
}

function noGrant({ kind }: GatewayCaller): string {
  return kind === "agent"
    ? "An agent may add objects and read them. It deletes locks, and what a job's grant lets it delete."
    : "Without a live grant nothing is deleted but locks: make one with `POST /api/v1/repositories/{id}/grants`.";
}

const beingBroughtBack: Refusal = {
  status: 503,
  detail: "A snapshot of this repository is being brought back: until that is done nothing is deleted.",
};

/** Why a grant doesn't let this object be deleted; nothing if it does. */
async function objectionTo(
  deps: Locked,
  deletion: Asked,
  grant: GrantRow,
  sizeBytes: number,
): Promise<string | undefined> {
  const { object } = deletion;
  if (object.kind === "snapshots") return await objectionToSnapshot(deps, deletion, grant);
  if (object.kind === "keys") return await objectionToKey(deps, deletion);
  if (object.kind === "data" && grant.names !== null && !grant.names.includes(object.name))
    return "The grant doesn't name this pack.";
  if (grant.max_bytes !== null && Number(grant.deleted_bytes) + sizeBytes > Number(grant.max_bytes))
    return `This run may delete at most ${grant.max_bytes} bytes of the repository. If more is right, a person must order it with a larger share.`;
  return undefined;
}

async function objectionToSnapshot(
  deps: Locked,
  { repositoryId, object }: Asked,
  { names, plan_id: planId, job_id: jobId }: GrantRow,
): Promise<string | undefined> {
  if (names?.includes(object.name) !== true) return "The grant doesn't name this snapshot.";
  if ((await countOthers(deps, repositoryId, object)) < snapshotsMin)
    return `At least ${snapshotsMin} snapshots of a repository always stay.`;
  if (planId === null) return undefined;
  const isRemovable = await deps.isRemovable(deps.database, { planId, jobId, snapshotId: object.name });
  return isRemovable
    ? undefined
    : "By the plan's retention, and the times at which the server received them, this snapshot stays.";
}

/** How many snapshots stay beside this one. */
async function countOthers({ database }: Locked, repositoryId: string, { name }: DeletableName): Promise<number> {
  const { count: others } = await database
    .selectFrom("objects")
    .select((from) => from.fn.countAll<bigint>().as("count"))
    .where("repository_id", "=", repositoryId)
    .where("kind", "=", "snapshots")
    .where("name", "!=", name)
    .where("deleting_since", "is", null)
    .where("missing_since", "is", null)
    .executeTakeFirstOrThrow();
  return Number(others);
}

/** The storage is asked which keys there are: with a wrong list the last one could go. */
async function objectionToKey(
  { database, objects }: Locked,
  { repositoryId, object }: Asked,
): Promise<string | undefined> {
  const keys = new Set<string>();
  for await (const batch of objects.list(repositoryId, "keys")) for (const { name } of batch) keys.add(name);
  const deleting = await database
    .selectFrom("objects")
    .select("name")
    .where("repository_id", "=", repositoryId)
    .where("kind", "=", "keys")
    .where("deleting_since", "is not", null)
    .execute();
  for (const { name } of deleting) if (name !== object.name) keys.delete(name);
  if (!keys.has(object.name) || keys.size > 1) return undefined;
  return "This is the repository's last key: without it nothing could be opened any more.";
}

async function isBroughtBack({ database }: Locked, repositoryId: string): Promise<boolean> {
  const running = await database
    .selectFrom("undeletes")
    .select("id")
    .where("repository_id", "=", repositoryId)
    .where("finished_at", "is", null)
    .executeTakeFirst();
  return running !== undefined;
}

async function findRow(
  { database }: Pick<LedgerDeps, "database">,
  repositoryId: string,
  { kind, name }: DeletableName,
): Promise<Row | undefined> {
  return await database
    .selectFrom("objects")
    .select(["size_bytes", "deleting_since", "deleting_by_grant"])
    .where((row) => row.and({ repository_id: repositoryId, kind, name }))
    .executeTakeFirst();
}

async function count(database: Transaction<Database>, { id }: GrantRow, { size_bytes }: Row): Promise<void> {
  await database
    .updateTable("deletion_grants")
    .set({
      deleted_objects: sql<bigint>`deleted_objects + 1`,
      deleted_bytes: sql<bigint>`deleted_bytes + ${size_bytes}`,
    })
    .where("id", "=", id)
    .execute();
}

const forbidden = (detail: string): Refusal => ({ status: 403, detail });

function refuse({ log }: LedgerDeps, { caller, repositoryId, object }: Deletion, refusal: Refusal): Refusal {
  const about = { repositoryId, object: labelOf(object), reason: refusal.detail, ...describeCaller(caller) };
  log.warn(about, "refused to delete an object");
  return refusal;
}
