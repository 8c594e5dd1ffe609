import { jobKind, jobState } from "@saveos/contract";
import { type Kysely, sql } from "kysely";
import { Gauge, Registry } from "prom-client";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { storageStats } from "../../gateway/index.ts";
import { agentStatistics } from "../agents/index.ts";
import { countJobs } from "../jobs/index.ts";
import { showProgress } from "../verification/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly verifyMaxBytesPerSecond: number;
}

/** The numbers that the database holds of a tenant. Every process reports the same ones: take one's, not their sum. */
export async function measureTenant({ database, clock, verifyMaxBytesPerSecond }: Deps): Promise<Registry> {
  const registry = new Registry();
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });

  const agents = await agentStatistics({ database, clock });
  const byState = gauge("saveos_agents", "Agents by state.", "state");
  for (const state of ["provisioned", "online", "offline", "revoked"] as const) byState.set({ state }, agents[state]);
  gauge("saveos_agents_never_backed_up", "Enrolled agents without any snapshot.").set(agents.never_backed_up);

  const jobs = gauge("saveos_jobs", "Jobs by kind and state.", "kind", "state");
  for (const kind of jobKind.options) for (const state of jobState.options) jobs.set({ kind, state }, 0);
  for (const { kind, state, count } of await countJobs(database)) jobs.set({ kind, state }, count);

  const storage = await storageStats(database);
  gauge("saveos_stored_bytes", "Bytes of all objects stored.").set(storage.storedBytes);
  gauge("saveos_stored_objects", "Objects stored.").set(storage.objects);
  gauge("saveos_snapshots", "Snapshots stored.").set(storage.snapshots);
  gauge("saveos_lost_objects", "Objects that are gone though nobody deleted them.").set(storage.lostObjects);
  gauge("saveos_quarantined_bytes", "Bytes that were deleted and can be brought back.").set(storage.quarantinedBytes);
  gauge("saveos_quarantined_objects", "Objects that were deleted and can be brought back.").set(
    storage.quarantinedObjects,
  );
  gauge("saveos_held_deletions", "Deletions that wait for a person.").set(await countHeld(database));
  const ratio = gauge("saveos_dedupe_ratio", "Bytes that the stored snapshots stand for, by the bytes stored.");
  if (storage.storedBytes > 0) ratio.set((await snapshotBytes(database)) / storage.storedBytes);

  const ages = gauge(
    "saveos_agent_last_good_backup_age_seconds",
    "Time since the agent last ended a backup well. Missing for one that never did.",
    "agent_id",
    "hostname",
  );
  const nowMs = clock.now().getTime();
  for (const { id, hostname, at } of await lastGoodBackups(database)) {
    ages.set({ agent_id: id, hostname }, Math.max(0, nowMs - at.getTime()) / 1000);
  }
  const verified = await showProgress({ database, clock }, verifyMaxBytesPerSecond);
  gauge("saveos_verified_bytes", "Bytes read and found right within the last 30 days.").set(verified.verified_bytes);
  gauge("saveos_verification_due_bytes", "Bytes whose turn it is to be read again.").set(verified.due_bytes);
  gauge(
    "saveos_verification_oldest_age_seconds",
    "How long ago the byte was read that wasn't read for the longest time.",
  ).set(verified.oldest_age_seconds ?? 0);
  gauge("saveos_verification_behind", "1 if some byte was not verified within 30 days, or will not be.").set(
    verified.behind ? 1 : 0,
  );
  const findings = gauge("saveos_verification_findings", "Open findings by state: objects that aren't right.", "state");
  for (const [state, count] of Object.entries(verified.findings)) findings.set({ state }, count);
  return registry;
}

async function countHeld(database: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*)::text as count from held_deletions where decision is null`.execute(database);
  return Number(rows[0]?.count ?? 0);
}

/** What all stored snapshots would take as plain copies, as their agents told. */
async function snapshotBytes(database: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ bytes: string }>`
    select coalesce(sum((jobs.summary ->> 'total_bytes_processed')::numeric), 0)::text as bytes
    from jobs join objects on objects.kind = 'snapshots' and objects.name = jobs.snapshot_id
      and objects.deleting_since is null and objects.missing_since is null
    where jobs.snapshot_id is not null`.execute(database);
  return Number(rows[0]?.bytes ?? 0);
}

/** When each agent that isn't revoked last ended a backup well: all of it, or all but what could not be read. */
async function lastGoodBackups(
  database: Kysely<Database>,
): Promise<{ readonly id: string; readonly hostname: string; readonly at: Date }[]> {
  const { rows } = await sql<{ id: string; hostname: string; at: Date }>`
    select agents.id, agents.hostname, last.finished_at as at
    from agents cross join lateral (
      select finished_at from jobs
      where jobs.agent_id = agents.id and kind = 'backup' and state in ('completed', 'partial')
      order by finished_at desc limit 1
    ) as last
    where agents.revoked_at is null`.execute(database);
  return rows;
}
