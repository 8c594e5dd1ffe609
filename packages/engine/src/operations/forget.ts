import { EngineError } from "../errors/engine-error.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import type { ForgetRequest, ForgetResult } from "./forget/forget-request.ts";
import { planForget } from "./forget/plan-forget.ts";
import { removeSnapshots } from "./forget/remove-snapshots.ts";

/**
 * Removes snapshots: those named, or those that a policy does not keep (restic manual, "Removing backup snapshots"). Only the snapshot files go; what no
 * snapshot needs any more is left for `prune`. What is to be removed is settled before the first deletion, under an exclusive lock; a dry run only reads.
 */
export async function forget(repository: Repository, request: ForgetRequest): Promise<ForgetResult> {
  const isDryRun = request.dryRun === true;
  if (request.lock.noLock === true && !isDryRun)
    throw new EngineError("invalid-input", "Snapshots can't be removed without locking the repository", {
      hint: "Leave `--no-lock` out, or add `--dry-run`.",
    });
  const { lock, signal, onUnreadable, onProgress, onPlan, afterRemoval } = request;
  await using held = await lockRepository(repository, { ...lock, exclusive: !isDryRun, signal });
  const plan = await planForget(repository, request, {
    signal: held.signal,
    ...(onUnreadable && { onUnreadable }),
  });
  await onPlan?.(plan);
  const { removed, failed } = isDryRun
    ? { removed: [], failed: [] }
    : await removeSnapshots(repository, plan.remove, { held, onProgress });
  if (plan.remove.length > 0 && failed.length === 0) await afterRemoval?.(held, plan.remove);
  return { ...plan, removed, failed };
}
