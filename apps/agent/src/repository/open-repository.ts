import type { ObjectStore, Repository, RepositoryDeps } from "@saveos/engine";
import { messageOf } from "../errors/system-error.ts";
import type { World } from "../world.ts";

export interface OpenSettings {
  readonly password: string;
  readonly keyHint?: string | undefined;
  /** Where what every command reads is kept ready; undefined for nowhere. */
  readonly cacheFolder: string | undefined;
  /** False where copies of the store's objects would be no nearer than the store. */
  readonly cacheObjects?: boolean;
  /** Told when the cache fails, which costs time only. */
  readonly onCacheError: (message: string) => void;
  readonly signal: AbortSignal;
}

/** What the engine works with on this platform. */
export async function repositoryDeps(world: World, store: ObjectStore): Promise<RepositoryDeps> {
  const { nodeCompute, returnFreedMemory } = await import("@saveos/engine/node");
  returnFreedMemory();
  return { store, compute: nodeCompute(), clock: world.clock };
}

/** Opens a repository, with a cache around its store. The index is not loaded: see `loadIndex`. */
export async function openWithCache(world: World, store: ObjectStore, settings: OpenSettings): Promise<Repository> {
  const { openRepository } = await import("@saveos/engine");
  const { password, keyHint, cacheFolder, signal } = settings;
  const repository = await openRepository(await repositoryDeps(world, store), { password, keyHint, signal });
  return cacheFolder === undefined ? repository : await addCache(world, repository, cacheFolder, settings);
}

async function addCache(
  world: World,
  repository: Repository,
  folder: string,
  { cacheObjects = true, onCacheError }: OpenSettings,
): Promise<Repository> {
  const [{ withCache }, { openDiskCache }] = await Promise.all([
    import("@saveos/engine"),
    import("@saveos/engine/node"),
  ]);
  const say = once((error) => onCacheError(`The cache in ${folder} can't be used: ${messageOf(error)}`));
  try {
    const now = new Date(Number(world.clock.nowNs() / 1_000_000n));
    const { objects, indexRows } = await openDiskCache(folder, repository.config.id, now, say);
    const cached: Repository = {
      ...repository,
      indexRows,
      store: cacheObjects
        ? withCache(repository.store, objects, {
            sha256: repository.compute.primitives.sha256,
            // Of the index in use at the time: it is loaded later, into the repository with the cache.
            cachePack: (id) => cached.index.isTreePack(id),
            onCacheError: say,
          })
        : repository.store,
    };
    return cached;
  } catch (error) {
    say(error);
    return repository;
  }
}

/** One broken cache is one sentence, not one for every object. */
function once(say: (error: unknown) => void): (error: unknown) => void {
  let said = false;
  return (error) => {
    if (!said) say(error);
    said = true;
  };
}
