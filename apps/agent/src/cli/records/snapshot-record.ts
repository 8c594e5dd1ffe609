import type { SnapshotSummary, StoredSnapshot } from "@saveos/engine";
import { summaryCounts } from "../../jobs/summary-counts.ts";

/** A snapshot as restic prints it for machines (restic manual, "Scripting", snapshots). */
export function snapshotRecord(snapshot: StoredSnapshot): Record<string, unknown> {
  return {
    time: snapshot.time,
    parent: snapshot.parent,
    tree: snapshot.tree,
    paths: snapshot.paths,
    hostname: snapshot.hostname || undefined,
    username: snapshot.username || undefined,
    uid: snapshot.uid || undefined,
    gid: snapshot.gid || undefined,
    excludes: nonEmpty(snapshot.excludes),
    tags: nonEmpty(snapshot.tags),
    original: snapshot.original,
    program_version: snapshot.programVersion || undefined,
    summary: snapshot.summary && { ...times(snapshot.summary), ...summaryCounts(snapshot.summary) },
    id: snapshot.id,
    short_id: snapshot.id.slice(0, 8),
  };
}

export function times(summary: SnapshotSummary): Record<string, string> {
  return { backup_start: summary.backupStart, backup_end: summary.backupEnd };
}

function nonEmpty(texts: readonly string[]): readonly string[] | undefined {
  return texts.length > 0 ? texts : undefined;
}
