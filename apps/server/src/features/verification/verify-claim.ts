import { type Kysely, sql } from "kysely";
import type { Database } from "../../database/schema.ts";
import { type Claim, type ClaimedObject, isListed, listed, releaseObjects } from "./claim-objects.ts";
import type { ReadingDeps } from "./deps.ts";
import { examine, isRight } from "./examine.ts";
import { openFinding } from "./findings.ts";
import { type Reading, readStored } from "./read-stored.ts";

/** Hides what a bucket takes to answer, and the gap between two files of a disk. Holds a megabyte. */
const readsAtOnce = 4;

export interface VerifiedClaim {
  readonly objects: number;
  readonly bytes: number;
  /** Repositories of which nothing could be read: nothing is known about their objects. */
  readonly unreachable: readonly string[];
}

/**
 * Reads the objects in hand and writes down what it found. Rejects when it is stopped; what was read by then is written down all the same, and the rest given
 * back.
 */
export async function verifyClaim(deps: ReadingDeps, claim: Claim): Promise<VerifiedClaim> {
  const readings = new Map<ClaimedObject, Reading>();
  const stopped = await readAll(deps, claim.objects, readings);
  const right = [...readings].filter(isRightPair);
  await recordRight(deps, claim, right);
  const wrong = [...readings].filter(([claimed, reading]) => !isRight(claimed, reading));
  const unknown = stopped === undefined ? await examineAll(deps, claim, wrong) : wrong.map(([claimed]) => claimed);
  const unread = claim.objects.filter((claimed) => !readings.has(claimed));
  await releaseObjects(deps, claim, [...unread, ...unknown]);
  if (stopped !== undefined) throw stopped.error;
  const read = [...readings.values()].filter((reading) => reading.outcome === "read");
  return {
    objects: read.length,
    bytes: read.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    unreachable: [...new Set(unknown.map(({ repositoryId }) => repositoryId))],
  };
}

/** Reads some at once until all are read or it is stopped; then it returns why. */
async function readAll(
  { objects, onRead }: ReadingDeps,
  wanted: readonly ClaimedObject[],
  readings: Map<ClaimedObject, Reading>,
): Promise<{ readonly error: unknown } | undefined> {
  const waiting = wanted.values();
  let stopped: { readonly error: unknown } | undefined;
  const readSome = async () => {
    for (const claimed of waiting) {
      if (stopped !== undefined) return;
      try {
        readings.set(claimed, await readStored(objects, claimed.repositoryId, claimed.object, onRead));
      } catch (error) {
        stopped = { error };
      }
    }
  };
  await Promise.all(Array.from({ length: readsAtOnce }, readSome));
  return stopped;
}

type RightPair = [ClaimedObject, Extract<Reading, { outcome: "read" }>];

function isRightPair(pair: [ClaimedObject, Reading]): pair is RightPair {
  return isRight(...pair);
}

/** Returns those about which nothing can be said. */
async function examineAll(
  deps: ReadingDeps,
  claim: Claim,
  wrong: readonly (readonly [ClaimedObject, Reading])[],
): Promise<ClaimedObject[]> {
  const unknown: ClaimedObject[] = [];
  for (const [claimed, reading] of wrong) {
    // Of a repository that is away, one question is enough.
    const isAway = unknown.some(({ repositoryId }) => repositoryId === claimed.repositoryId);
    const verdict = isAway ? "unknown" : await examine(deps, claimed, reading);
    if (verdict === "unknown") unknown.push(claimed);
    else if (verdict.outcome === "read") await recordRight(deps, claim, [[claimed, verdict]]);
    else await openFinding(deps, claim, claimed, verdict.trouble);
  }
  return unknown;
}

/** An object that somebody stored or deleted meanwhile is no longer in hand, and nothing is written about it. */
async function recordRight(
  { database, clock, log }: ReadingDeps,
  { until }: Claim,
  right: readonly RightPair[],
): Promise<void> {
  if (right.length === 0) return;
  await updateRight(database, { now: clock.now(), until }, right);
  for (const [{ repositoryId, object, sha256 }] of right) {
    if (object.kind === "config" && sha256 === null)
      log.info({ repositoryId }, "nobody had kept the config's SHA-256: from now on it is the one that was read today");
  }
}

async function updateRight(
  database: Kysely<Database>,
  { now, until }: { readonly now: Date; readonly until: Date },
  right: readonly RightPair[],
): Promise<void> {
  const configs = right.flatMap(([{ repositoryId, object, sha256 }, reading]) =>
    object.kind === "config" && sha256 === null ? [{ repositoryId, sha256: reading.sha256 }] : [],
  );
  const isHeld = sql`${isListed} and objects.verify_after = ${until} and objects.deleting_since is null`;
  await sql`update objects set last_verified_at = ${now}, verify_after = null
    from ${listed(right.map(([claimed]) => claimed))} where ${isHeld}`.execute(database);
  for (const { repositoryId, sha256 } of configs) {
    await database
      .updateTable("objects")
      .set({ sha256 })
      .where((row) => row.and({ repository_id: repositoryId, kind: "config", name: "config" }))
      .where("sha256", "is", null)
      .execute();
  }
}
