import { EngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type ObjectId, shortId } from "../format/ids.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshot, loadSnapshots, type LoadSnapshotsOptions } from "../repository/snapshots.ts";
import type { GroupBy } from "./backup/backup-request.ts";

/** Which snapshots are meant; what is left out or empty does not matter. */
export interface SnapshotFilter {
  /** One of these hosts. */
  readonly hosts?: readonly string[] | undefined;
  /** All tags of at least one of these lists. A list of one empty tag means: no tags at all. */
  readonly tagLists?: readonly (readonly string[])[] | undefined;
  /** All of these paths. */
  readonly paths?: readonly string[] | undefined;
}

/** The snapshots that fit, oldest first. */
export async function listSnapshots(
  repository: Repository,
  filter: SnapshotFilter = {},
  options: LoadSnapshotsOptions = {},
): Promise<StoredSnapshot[]> {
  return (await loadSnapshots(repository, options)).filter((snapshot) => fitsFilter(snapshot, filter));
}

export function fitsFilter(
  snapshot: StoredSnapshot,
  { hosts = [], tagLists = [], paths = [] }: SnapshotFilter,
): boolean {
  if (hosts.length > 0 && !hosts.includes(snapshot.hostname)) return false;
  if (tagLists.length > 0 && !tagLists.some((tags) => hasTags(snapshot, tags))) return false;
  return paths.every((path) => snapshot.paths.includes(path));
}

/** Whether it has all of these; one empty tag asks for a snapshot without any. */
export function hasTags(snapshot: { readonly tags: readonly string[] }, tags: readonly string[]): boolean {
  if (tags.length === 1 && tags[0] === "") return snapshot.tags.length === 0;
  return tags.every((tag) => snapshot.tags.includes(tag));
}

export interface FoundSnapshot {
  readonly snapshot: StoredSnapshot;
  /** The folder of `<snapshot>:<folder>`, if the person named one. */
  readonly subfolder: string | undefined;
}

/**
 * The snapshot that a person means: `latest` (of those that fit the filter), an id or a unique prefix of one, each with `:<folder>` behind
 * it if only a folder of it is meant. `onUnreadable` passes over damaged snapshots when looking for the latest. Rejects with `not-found`, or `invalid-input` for an ambiguous prefix.
 */
export async function findSnapshot(
  repository: Repository,
  wanted: string,
  filter: SnapshotFilter = {},
  options: LoadSnapshotsOptions = {},
): Promise<FoundSnapshot> {
  const colon = wanted.indexOf(":");
  const name = colon < 0 ? wanted : wanted.slice(0, colon);
  const subfolder = colon < 0 ? undefined : wanted.slice(colon + 1);
  const snapshot =
    name === "latest" ? await findLatest(repository, filter, options) : await findByPrefix(repository, name, options);
  return { snapshot, subfolder };
}

async function findLatest(
  repository: Repository,
  filter: SnapshotFilter,
  options: LoadSnapshotsOptions,
): Promise<StoredSnapshot> {
  const latest = (await listSnapshots(repository, filter, options)).at(-1);
  if (latest) return latest;
  throw new EngineError("not-found", "There is no snapshot that fits", {
    hint: "`snapshots` lists what is there. Check the host, tag and path you asked for.",
  });
}

async function findByPrefix(repository: Repository, prefix: string, options: Abortable): Promise<StoredSnapshot> {
  const fitting: ObjectId[] = [];
  if (prefix !== "")
    for await (const { id } of repository.store.list("snapshots", options)) if (id.startsWith(prefix)) fitting.push(id);
  const [id] = fitting;
  if (!id)
    throw new EngineError("not-found", `No snapshot begins with ${JSON.stringify(prefix)}`, {
      hint: "`snapshots` lists the ids.",
    });
  if (fitting.length > 1)
    throw new EngineError(
      "invalid-input",
      `More than one snapshot begins with ${prefix}: ${fitting.map(shortId).join(", ")}`,
      {
        hint: "Give more digits of the id.",
      },
    );
  return await loadSnapshot(repository, id, options);
}

export interface SnapshotGroup {
  /** What its snapshots have in common; undefined for what they are not grouped by. */
  readonly hostname: string | undefined;
  readonly paths: readonly string[] | undefined;
  readonly tags: readonly string[] | undefined;
  readonly snapshots: StoredSnapshot[];
}

/** Groups snapshots by host, paths and tags as asked; paths and tags are compared sorted. */
export function groupSnapshots(snapshots: readonly StoredSnapshot[], by: GroupBy): SnapshotGroup[] {
  const groups = new Map<string, SnapshotGroup>();
  for (const snapshot of snapshots) {
    const key = {
      hostname: by.host ? snapshot.hostname : undefined,
      paths: by.paths ? snapshot.paths.toSorted() : undefined,
      tags: by.tags ? snapshot.tags.toSorted() : undefined,
    };
    const name = JSON.stringify(key);
    const group = groups.get(name) ?? { ...key, snapshots: [] };
    group.snapshots.push(snapshot);
    groups.set(name, group);
  }
  return [...groups.values()];
}
