import { sql } from "kysely";
import type { FindingKind, FindingState } from "@saveos/contract";
import { inTransaction } from "../../database/in-transaction.ts";
import { nameOf } from "../../gateway/index.ts";
import type { ObjectKind } from "../../object-store/object-name.ts";
import type { ClaimedObject } from "./claim-objects.ts";
import type { ReadingDeps } from "./deps.ts";
import { examine, isRight, type Trouble } from "./examine.ts";
import { moveFinding, nextReading } from "./findings.ts";
import { readStored } from "./read-stored.ts";

/** What could not be read this often, an hour apart each, is no passing trouble. */
const readingsUntilFound = 3;
const findingsAtOnce = 20;
/** Another worker may do the same; after this it may do it again. */
const inHandMs = 60 * 60 * 1000;

interface DueFinding {
  readonly id: string;
  readonly repository_id: string;
  readonly kind: ObjectKind;
  readonly name: string;
  readonly what: FindingKind;
  readonly state: FindingState;
  readonly readings: number;
}

/** Reads the objects of open findings again whose time has come: some were mended, some deleted, and some could not be read for a while only. Returns how many. */
export async function lookAgain(deps: ReadingDeps): Promise<number> {
  const { database, clock } = deps;
  const now = clock.now();
  const inHandUntil = new Date(now.getTime() + inHandMs);
  const { rows } = await sql<DueFinding>`
    update verification_findings set next_reading_at = ${inHandUntil} where id in (
      select id from verification_findings
      where next_reading_at <= ${now} and state in ('suspected', 'found')
      order by next_reading_at limit ${findingsAtOnce} for update skip locked
    ) returning id, repository_id, kind, name, what, state, readings`.execute(database);
  for (const due of rows) await lookAt(deps, due);
  return rows.length;
}

async function lookAt(deps: ReadingDeps, finding: DueFinding): Promise<void> {
  const { database, clock } = deps;
  const { id, repository_id: repositoryId, state } = finding;
  const row = await database
    .selectFrom("objects")
    .select(["size_bytes", "sha256", "deleting_since"])
    .where((at) => at.and({ repository_id: repositoryId, kind: finding.kind, name: finding.name }))
    .executeTakeFirst();
  if (row === undefined) return void (await moveFinding(database, clock, id, [state], "removed"));
  const object = nameOf(finding.kind, finding.name);
  const sha256 = finding.kind === "config" ? row.sha256 : finding.name;
  const claimed: ClaimedObject = { repositoryId, object, sizeBytes: Number(row.size_bytes), sha256 };
  const reading = await readStored(deps.objects, repositoryId, object, deps.onRead);
  const verdict = isRight(claimed, reading) ? reading : await examine(deps, claimed, reading);
  if (verdict === "unknown") await setNextReading(deps, finding);
  else if (verdict.outcome === "read") await close(deps, finding);
  else await keepOpen(deps, finding, verdict.trouble);
}

/** The object is what it should be: from now on it is read in turn again. */
async function close(
  { database, clock, log }: ReadingDeps,
  { id, repository_id, kind, name, state }: DueFinding,
): Promise<void> {
  await inTransaction(database, async (transaction) => {
    if (!(await moveFinding(transaction, clock, id, [state], "repaired"))) return;
    await transaction
      .updateTable("objects")
      .set({ damaged_since: null, missing_since: null, last_verified_at: clock.now(), verify_after: null })
      .where((row) => row.and({ repository_id, kind, name }))
      .execute();
  });
  log.info({ repositoryId: repository_id, object: `${kind}/${name}` }, "a stored object is right again");
}

async function keepOpen(deps: ReadingDeps, finding: DueFinding, { what, detail }: Trouble): Promise<void> {
  const { database, clock, log } = deps;
  const readings = finding.readings + 1;
  const isCertain = what !== "unreadable" || readings >= readingsUntilFound;
  await database
    .updateTable("verification_findings")
    .set({ readings, what, detail })
    .where("id", "=", finding.id)
    .execute();
  if (finding.state === "suspected" && isCertain) {
    await moveFinding(database, clock, finding.id, ["suspected"], "found");
    const about = { repositoryId: finding.repository_id, object: `${finding.kind}/${finding.name}`, what, detail };
    log.error(about, "a stored object isn't what it was stored as");
  } else await setNextReading(deps, finding);
}

async function setNextReading({ database, clock }: ReadingDeps, { id, state }: DueFinding): Promise<void> {
  await database
    .updateTable("verification_findings")
    .set({ next_reading_at: nextReading(clock, state) })
    .where("id", "=", id)
    .where("state", "=", state)
    .execute();
}
