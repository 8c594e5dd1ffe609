import { EngineError } from "../../errors/engine-error.ts";
import { replaceBadBytes } from "../../format/names.ts";
import { parseTime } from "../../format/time.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import type { BackupRun } from "./backup-request.ts";

/**
 * The snapshot to compare with: the one asked for, or the newest that is not newer than this run and, as far as `groupBy` says, of the
 * same host, holding all the paths, with all the tags (restic manual, "Backing up", "File change detection").
 * A snapshot's paths are JSON text, in which bytes that are no UTF-8 are replaced, so they are compared that way.
 * `snapshots` are sorted oldest first; of equal times the last one wins.
 */
export function findParent(snapshots: readonly StoredSnapshot[], run: BackupRun): StoredSnapshot | undefined {
  if (run.parent === "none") return undefined;
  if (run.parent) {
    const asked = snapshots.find(({ id }) => id === run.parent);
    if (!asked) throw new EngineError("not-found", `The parent snapshot ${run.parent} is not in the repository`);
    return asked;
  }
  return snapshots.findLast((snapshot) => parseTime(snapshot.time) <= run.timeNs && fits(snapshot, run));
}

function fits(snapshot: StoredSnapshot, { groupBy, hostname, targets, tags }: BackupRun): boolean {
  if (groupBy.host && snapshot.hostname !== hostname) return false;
  if (groupBy.paths && !targets.every(({ absolute }) => snapshot.paths.includes(replaceBadBytes(absolute))))
    return false;
  return !groupBy.tags || tags.every((tag) => snapshot.tags.includes(tag));
}
