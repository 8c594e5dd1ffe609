import type { Repository, SnapshotFilter, StoredSnapshot } from "@saveos/engine";

export interface SelectionOptions {
  readonly host?: readonly string[];
  readonly tag?: readonly (readonly string[])[];
  readonly path?: readonly string[];
}

/** The filter that `--host`, `--tag` and `--path` ask for. */
export function snapshotFilter(
  { host, tag, path }: SelectionOptions,
  env: Readonly<Record<string, string | undefined>>,
): SnapshotFilter {
  const hosts = host ?? (env["RESTIC_HOST"] ? [env["RESTIC_HOST"]] : []);
  // An empty host takes the environment's choice back, as with restic.
  return { hosts: hosts.filter((name) => name !== ""), tagLists: tag, paths: path };
}

/**
 * The snapshots that a person named, or all that fit the filter if none was named. A name that fits nothing is told to `onMissing` and passed
 * over: the others are still wanted.
 */
export async function selectSnapshots(
  repository: Repository,
  names: readonly string[],
  filter: SnapshotFilter,
  {
    signal,
    onMissing,
    onUnreadable,
  }: {
    readonly signal: AbortSignal;
    readonly onMissing: (message: string) => Promise<void>;
    readonly onUnreadable: (message: string) => void;
  },
): Promise<StoredSnapshot[]> {
  const { findSnapshot, isEngineError, listSnapshots } = await import("@saveos/engine");
  if (names.length === 0)
    return await listSnapshots(repository, filter, {
      signal,
      onUnreadable: (_id, error) => onUnreadable(error.message),
    });
  const selected = new Map<string, StoredSnapshot>();
  for (const name of names) {
    try {
      const { snapshot } = await findSnapshot(repository, name, filter, { signal });
      selected.set(snapshot.id, snapshot);
    } catch (error) {
      if (!isEngineError(error, "not-found", "invalid-input")) throw error;
      await onMissing(`Ignoring "${name}": ${error.message}`);
    }
  }
  return [...selected.values()];
}
