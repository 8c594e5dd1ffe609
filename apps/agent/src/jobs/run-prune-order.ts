import type { PruneOrder } from "@saveos/contract";
import type { PruneProgress, PruneResult, PruneStats } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { formatBytes, plural } from "../terminal/quantities.ts";
import { asRefusedDeletion, requireGoodClock } from "./deleting.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import { openOrder } from "./open-order.ts";
import { lockOfJob, type OrderDeps, sayRetry } from "./order-deps.ts";

/** Deletes what no snapshot needs, as the server ordered, or measures what that would free. */
export async function runPruneOrder(deps: OrderDeps, order: PruneOrder, run: JobRun): Promise<JobEnd> {
  const { prune, parseObjectId } = await import("@saveos/engine");
  const { signal, say } = run;
  if (!order.dry_run) requireGoodClock(deps);
  const { repository } = await openOrder(deps, order);
  await using opened = await deps.openRepository({
    repository,
    useCache: repository === "own",
    bandwidth: [],
    grant: order.grant ?? undefined,
    onRetry: sayRetry(say),
    signal,
  });
  const ignored = order.without_snapshot_ids.map(parseObjectId);
  const result = await asRefusedDeletion(
    async () =>
      await prune(opened.repository, {
        // A measurement is in nobody's way.
        lock: { ...lockOfJob(deps, run), ...(order.dry_run ? { noLock: true } : {}) },
        maxUnused: { kind: "percent", percent: order.max_unused_percent },
        maxRepackBytes: order.max_repack_bytes ?? undefined,
        dryRun: order.dry_run,
        compression: "auto",
        ...(ignored.length === 0 ? {} : { ignoreSnapshots: new Set(ignored) }),
        onPlan: (planned) => {
          const { packs } = planned.stats;
          say(
            "info",
            `${plural(packs.remove + packs.unreferenced, "pack")} to delete and ${packs.repack} to repack, of ${packs.keep + packs.remove + packs.repack + packs.unreferenced}`,
          );
          if (!order.dry_run) requireShare(planned.stats, order.max_delete_percent);
        },
        onProgress: progressOf(run),
        signal,
      }),
  );
  const summary = summaryOf(result);
  say("info", `${order.dry_run ? "It would free" : "It freed"} ${formatBytes(summary.bytes_freed)}`);
  return { outcome: "completed", summary };
}

/** The server would stop the run at this share, in its middle: better not to begin. What is repacked is deleted, too, after it was stored anew. */
function requireShare({ bytes }: PruneStats, maxPercent: number): void {
  const all = bytes.used + bytes.duplicate + bytes.unused + bytes.unreferenced;
  const deleted = bytes.remove + bytes.repack + bytes.unreferenced;
  if (deleted * 100 <= all * maxPercent) return;
  const percent = Math.ceil((deleted * 100) / all);
  throw new AgentError(
    "deletion-refused",
    `The prune would delete ${percent} % of the repository, and may delete ${maxPercent} %: if that is right, a person must order it with a larger share`,
  );
}

function progressOf({ onProgress }: JobRun): (progress: PruneProgress) => void {
  return ({ done, total }) => onProgress({ filesDone: done, bytesDone: 0, filesTotal: total, bytesTotal: undefined });
}

function summaryOf({ stats: { bytes, packs } }: PruneResult) {
  return {
    packs_deleted: packs.remove + packs.unreferenced,
    packs_repacked: packs.repack,
    bytes_freed: bytes.remove + bytes.repackRemove + bytes.unreferenced,
    bytes_unused: Math.max(0, bytes.unused + bytes.duplicate - bytes.remove - bytes.repackRemove),
  };
}
