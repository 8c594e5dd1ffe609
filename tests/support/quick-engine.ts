import {
  check,
  type Clock,
  findSnapshot,
  type Finding,
  inlineCompute,
  memoryStore,
  objectKinds,
  type ObjectName,
  type ObjectStore,
  openRepository,
  type Repository,
  type RepositoryDeps,
  restore,
  type RestoreProblem,
  type RestoreRequest,
  unlock,
} from "@saveos/engine";
import { nodePrimitives } from "@saveos/engine/node";
import {
  autoClock,
  type MemoryEntry,
  memoryTarget,
  newCheapRepository,
  plainRestore,
  testLock,
  testPassword,
} from "@saveos/engine/testing";

/** The engine in memory, with keys that cost nothing and a clock that waits for nobody: hundreds of repositories in a second. */
export function quickDeps(
  store: ObjectStore,
  clock: Clock = autoClock(BigInt(Date.now()) * 1_000_000n),
): RepositoryDeps {
  return { store, compute: inlineCompute(nodePrimitives), clock };
}

export async function newQuickRepository(store: ObjectStore = memoryStore()): Promise<Repository> {
  return await newCheapRepository(quickDeps(store));
}

export async function openQuickly(store: ObjectStore, password = testPassword): Promise<Repository> {
  return await openRepository(quickDeps(store), { password });
}

/** Every object of a store with its bytes. */
export async function objectsOf(store: ObjectStore): Promise<Map<ObjectName, Uint8Array>> {
  const objects = new Map<ObjectName, Uint8Array>([["config", await store.get("config")]]);
  for (const kind of objectKinds)
    for await (const { id } of store.list(kind)) objects.set(`${kind}/${id}`, await store.get(`${kind}/${id}`));
  return objects;
}

/** A store with these objects, in memory unless one is given. */
export async function storeOf(
  objects: ReadonlyMap<ObjectName, Uint8Array>,
  store = memoryStore(),
): Promise<ObjectStore> {
  await store.create();
  for (const [name, bytes] of objects) await store.put(name, bytes);
  return store;
}

/** What was restored: by path, the type with all that a test compares. */
export type Restored = Readonly<Record<string, string>>;

/** Restores a snapshot into memory. */
export async function restored(
  repository: Repository,
  snapshot: string,
  request: Pick<RestoreRequest, "onDamagedIndex"> = {},
): Promise<{ readonly files: Restored; readonly problems: readonly RestoreProblem[] }> {
  const target = memoryTarget();
  const problems: RestoreProblem[] = [];
  await restore(repository, target, {
    ...(await findSnapshot(repository, snapshot)),
    ...plainRestore,
    lock: testLock,
    onProblem: (problem) => problems.push(problem),
    ...request,
  });
  const files: Record<string, string> = {};
  const walk = (path: string, entry: MemoryEntry | undefined): void => {
    for (const [name, child] of entry?.children ?? []) {
      files[`${path}/${name}`] = describe(child);
      walk(`${path}/${name}`, child);
    }
  };
  walk("", target.entry("/"));
  return { files, problems };
}

/** Like `restored`, for a snapshot that must come back whole. */
export async function restoredWhole(repository: Repository, snapshot: string): Promise<Restored> {
  const { files, problems } = await restored(repository, snapshot);
  if (problems.length > 0) throw new Error(`Not restored whole: ${problems.map(({ message }) => message).join("; ")}`);
  return files;
}

function describe({ type, bytes, linkTarget, links, metadata }: MemoryEntry): string {
  const content = type === "file" ? nodePrimitives.sha256(bytes).toHex() : linkTarget;
  if (!metadata) return `${type} without metadata`;
  return `${type} ${metadata.mode.toString(8)} ${metadata.uid} ${metadata.mtimeNs} ${links} ${content}`;
}

/** What a check that reads everything finds. */
export async function findings(repository: Repository): Promise<Finding[]> {
  const found: Finding[] = [];
  await check(repository, { lock: testLock, readData: "all", onFinding: (finding) => found.push(finding) });
  return found;
}

export async function errorsFound(repository: Repository): Promise<Finding[]> {
  return (await findings(repository)).filter(({ severity }) => severity === "error");
}

/** Removes the locks of processes that died, which in tests are all. */
export async function unlockDead(repository: Repository): Promise<number> {
  return await unlock(repository, { removeAll: false, hostname: testLock.hostname, isProcessGone: () => true });
}
