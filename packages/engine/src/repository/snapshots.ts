import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { type ObjectId, shortId } from "../format/ids.ts";
import { decodeSnapshot, encodeSnapshot, type Snapshot, type StoredSnapshot } from "../format/snapshot.ts";
import { parseTime } from "../format/time.ts";
import type { Repository } from "./repository.ts";
import { loadUnpacked, saveUnpacked } from "./unpacked-files.ts";

/** Snapshot files are small: their cost is the round trip. */
export const snapshotsAtOnce = 8;

export async function loadSnapshot(
  repository: Repository,
  id: ObjectId,
  options: Abortable = {},
): Promise<StoredSnapshot> {
  const json = await loadUnpacked(repository, "snapshots", id, options);
  try {
    return { ...decodeSnapshot(json), id };
  } catch (error) {
    if (!isEngineError(error, "corrupt-data")) throw error;
    throw new EngineError("corrupt-data", `Snapshot ${shortId(id)} is damaged: ${error.message}`, { cause: error });
  }
}

export interface LoadSnapshotsOptions extends Abortable {
  /** Called for a snapshot file that can't be read; without it the first one rejects. A file that vanished meanwhile is passed over. */
  readonly onUnreadable?: (id: ObjectId, error: EngineError) => void;
}

/** Every snapshot, oldest first; equal times by id. */
export async function loadSnapshots(
  repository: Repository,
  { onUnreadable, ...options }: LoadSnapshotsOptions = {},
): Promise<StoredSnapshot[]> {
  const load = async ({ id }: { id: ObjectId }): Promise<StoredSnapshot | undefined> => {
    try {
      return await loadSnapshot(repository, id, options);
    } catch (error) {
      if (isEngineError(error, "not-found")) return undefined;
      if (!onUnreadable || !isEngineError(error, "corrupt-data", "unsupported")) throw error;
      onUnreadable(id, error);
      return undefined;
    }
  };
  const loaded: { snapshot: StoredSnapshot; timeNs: bigint }[] = [];
  for await (const snapshot of mapConcurrent(repository.store.list("snapshots", options), snapshotsAtOnce, load))
    if (snapshot) loaded.push({ snapshot, timeNs: parseTime(snapshot.time) });
  loaded.sort((a, b) => compare(a.timeNs, b.timeNs) || compare(a.snapshot.id, b.snapshot.id));
  return loaded.map(({ snapshot }) => snapshot);
}

function compare<Value extends bigint | string>(a: Value, b: Value): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Stores a snapshot. Everything it names must be durable by now. */
export async function saveSnapshot(
  repository: Repository,
  snapshot: Snapshot,
  options: Abortable = {},
): Promise<ObjectId> {
  return await saveUnpacked(repository, "snapshots", encodeSnapshot(snapshot), options);
}
