import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import { mapConcurrent } from "../../flow/map-concurrent.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import { localZone } from "../../format/time.ts";
import type { Repository } from "../../repository/repository.ts";
import { loadSnapshot, type LoadSnapshotsOptions, snapshotsAtOnce } from "../../repository/snapshots.ts";
import { groupSnapshots, listSnapshots, type SnapshotFilter, type SnapshotGroup } from "../snapshots.ts";
import { applyPolicy } from "./apply-policy.ts";
import type { ForgetByPolicy, ForgetChoice, ForgetGroup, ForgetPlan } from "./forget-request.ts";
import { isEmptyPolicy, requireSensible } from "./policy.ts";

/**
 * What a forget would remove. Only reads. Rejects with `invalid-input` for a policy that says nothing, and for one that would keep nothing of a group. A
 * listing or a file that can't be had rejects too: who does not see all snapshots can't know which of them are needed.
 */
export async function planForget(
  repository: Repository,
  choice: ForgetChoice,
  options: LoadSnapshotsOptions,
): Promise<ForgetPlan> {
  if ("snapshotIds" in choice) return await planByIds(repository, choice.snapshotIds, options);
  requireUsable(choice);
  const { policy, groupBy, filter } = choice;
  const snapshots = await listSnapshots(repository, filter, options);
  const today = { nowNs: repository.clock.nowNs(), zone: localZone };
  const groups = groupSnapshots(snapshots, groupBy).map((group): ForgetGroup => {
    const { snapshots: inGroup, ...common } = group;
    const applied = applyPolicy(inGroup, policy, today);
    if (applied.keep.length === 0 && !isEmptyPolicy(policy)) throw keepsNothing(group);
    return { ...common, ...applied };
  });
  return { groups, remove: groups.flatMap(({ remove }) => remove), missing: [] };
}

async function planByIds(
  repository: Repository,
  ids: readonly ObjectId[],
  { onUnreadable, signal }: LoadSnapshotsOptions,
): Promise<ForgetPlan> {
  const missing: ObjectId[] = [];
  const load = async (id: ObjectId): Promise<StoredSnapshot | undefined> => {
    try {
      return await loadSnapshot(repository, id, { signal });
    } catch (error) {
      if (isEngineError(error, "not-found")) missing.push(id);
      else if (onUnreadable && isEngineError(error, "corrupt-data", "unsupported")) onUnreadable(id, error);
      else throw error;
      return undefined;
    }
  };
  const remove: StoredSnapshot[] = [];
  for await (const snapshot of mapConcurrent(new Set(ids), snapshotsAtOnce, load)) if (snapshot) remove.push(snapshot);
  return { groups: [], remove, missing };
}

function requireUsable({ policy, filter, allowRemoveAll }: ForgetByPolicy): void {
  requireSensible(policy);
  if (!isEmptyPolicy(policy)) return;
  if (allowRemoveAll !== true)
    throw new EngineError("invalid-input", "No policy was given, so no snapshot is removed", {
      hint: "Say what to keep, such as `--keep-daily 7 --keep-monthly 12`, or name the snapshots to remove.",
    });
  if (isEmptyFilter(filter))
    throw new EngineError("invalid-input", "Removing all snapshots needs a filter that says which", {
      hint: "Give a host, a tag or a path, such as `--host web1`.",
    });
}

function isEmptyFilter({ hosts = [], tagLists = [], paths = [] }: SnapshotFilter = {}): boolean {
  return hosts.length === 0 && tagLists.length === 0 && paths.length === 0;
}

function keepsNothing({ hostname, paths, tags }: SnapshotGroup): EngineError {
  const marks = [
    ...(hostname === undefined ? [] : [`host ${hostname}`]),
    ...(paths === undefined ? [] : [`paths ${paths.join(", ")}`]),
    ...(tags === undefined ? [] : [`tags ${tags.join(", ") || "none"}`]),
  ];
  const which = marks.length === 0 ? "all snapshots" : `the snapshots of ${marks.join(", ")}`;
  return new EngineError("invalid-input", `The policy would keep none of ${which}, so nothing is removed`, {
    hint: "Add a rule that keeps some of them, such as `--keep-last 1`. To remove them all, name them, or choose them with a filter and `--unsafe-allow-remove-all`.",
  });
}
