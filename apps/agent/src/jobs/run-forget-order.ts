import { type ForgetOrder, snapshotsMin } from "@saveos/contract";
import type { ForgetResult, Repository } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { plural } from "../terminal/quantities.ts";
import { asRefusedDeletion, refusedDeletion, requireGoodClock } from "./deleting.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import { failureOf } from "./job-failure.ts";
import { letSnapshotsGo } from "./last-snapshot.ts";
import { openOrder } from "./open-order.ts";
import { lockOfJob, type OrderDeps, sayRetry } from "./order-deps.ts";

/** Forgets the snapshots that the server named, and no others. Some always stay, whatever the server says. */
export async function runForgetOrder(deps: OrderDeps, order: ForgetOrder, run: JobRun): Promise<JobEnd> {
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
  let total = 0;
  const result = await asRefusedDeletion(
    async () =>
      await forgetNamed(deps, opened.repository, order, run, (count) => {
        total = count;
      }),
  );
  if (repository === "own") await letSnapshotsGo(deps.home.stateFolder, new Set(result.removed.map(({ id }) => id)));
  return await endOf(order, result, total);
}

async function forgetNamed(
  deps: OrderDeps,
  repository: Repository,
  order: ForgetOrder,
  run: JobRun,
  onTotal: (total: number) => void,
): Promise<ForgetResult> {
  const { forget, parseObjectId } = await import("@saveos/engine");
  const { signal, say, onProgress } = run;
  return await forget(repository, {
    snapshotIds: order.snapshot_ids.map(parseObjectId),
    lock: { ...lockOfJob(deps, run), ...(order.dry_run ? { noLock: true } : {}) },
    dryRun: order.dry_run,
    signal,
    onUnreadable: (id, error) =>
      say(
        "warning",
        "A snapshot can't be read, so it stays",
        `Snapshot ${id} can't be read, so it stays: ${error.message}`,
      ),
    // Under the lock: what is counted here stays so until the deletions.
    onPlan: async ({ remove }) => {
      const total = await countSnapshots(repository, signal);
      onTotal(total);
      requireEnough(total, remove.length);
      say("info", `${plural(remove.length, "snapshot")} of ${total} to forget`);
    },
    onProgress: ({ removed, failed, total }) =>
      onProgress({ filesDone: removed + failed, bytesDone: 0, filesTotal: total, bytesTotal: undefined }),
  });
}

async function countSnapshots({ store }: Repository, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const _ of store.list("snapshots", { signal })) count += 1;
  return count;
}

function requireEnough(total: number, toRemove: number): void {
  if (toRemove === 0 || total - toRemove >= snapshotsMin) return;
  throw new AgentError(
    "too-few-snapshots",
    `Of ${plural(total, "snapshot")} ${toRemove} were to be forgotten, and at least ${snapshotsMin} always stay: nothing was forgotten`,
  );
}

async function endOf(order: ForgetOrder, result: ForgetResult, total: number): Promise<JobEnd> {
  const { isEngineError } = await import("@saveos/engine");
  const { remove, removed, failed, missing } = result;
  const gone = order.dry_run ? remove.length : removed.length;
  const summary = { snapshots_kept: total - gone, snapshots_removed: gone, snapshots_absent: missing.length };
  const [first] = failed;
  if (first === undefined) return { outcome: "completed", summary };
  const error = isEngineError(first.error, "store-denied") ? refusedDeletion(first.error) : first.error;
  return { outcome: "failed", ...failureOf(error), summary };
}
