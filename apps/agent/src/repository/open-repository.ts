import type { ObjectId, ObjectStore, Repository, RepositoryDeps } from "@saveos/engine";
import { messageOf } from "../errors/system-error.ts";
import type { World } from "../world.ts";

export interface OpenSettings {
  readonly password: string;
  readonly keyHint?: string | undefined;
  /** Where copies of what every command reads are kept; undefined for none. */
  readonly cacheFolder: string | undefined;
  /** Told when the cache fails, which costs time only. */
  readonly onCacheError: (message: string) => void;
  readonly signal: AbortSignal;
}

/** What the engine works with on this platform. */
export async function repositoryDeps(world: World, store: ObjectStore): Promise<RepositoryDeps> {
  const [{ inlineCompute }, { nodePrimitives }] = await Promise.all([
    import("@saveos/engine"),
    import("@saveos/engine/node"),
  ]);
  return { store, compute: inlineCompute(nodePrimitives), clock: world.clock };
}

/** Opens a repository, with a cache around its store. The index is not loaded: see `loadIndex`. */
export async function openWithCache(world: World, store: ObjectStore, settings: OpenSettings): Promise<Repository> {
  const { openRepository } = await import("@saveos/engine");
  const { password, keyHint, cacheFolder, signal } = settings;
  const repository = await openRepository(await repositoryDeps(world, store), { password, keyHint, signal });
  return cacheFolder === undefined ? repository : await addCache(world, repository, cacheFolder, settings.onCacheError);
}

async function addCache(
  world: World,
  repository: Repository,
  folder: string,
  onCacheError: (message: string) => void,
): Promise<Repository> {
  const [{ withCache }, { openDiskCache }] = await Promise.all([
    import("@saveos/engine"),
    import("@saveos/engine/node"),
  ]);
  const say = (error: unknown) => onCacheError(`The cache in ${folder} can't be used: ${messageOf(error)}`);
  try {
    const now = new Date(Number(world.clock.nowNs() / 1_000_000n));
    const cache = await openDiskCache(folder, repository.config.id, now);
    // The cache must know the packs of trees of the index in use, which is loaded later, into the repository with the cache.
    const cached: Repository = {
      ...repository,
      store: withCache(repository.store, cache, {
        sha256: repository.compute.primitives.sha256,
        cachePack: (id) => treePacks.has(cached, id),
        onCacheError: once(say),
      }),
    };
    const treePacks = new TreePacks();
    return cached;
  } catch (error) {
    say(error);
    return repository;
  }
}

/** Knows the packs that hold trees, in the index that a repository has at the time. */
class TreePacks {
  #index: Repository["index"] | undefined;
  #packs = new Set<ObjectId>();

  has({ index }: Repository, id: ObjectId): boolean {
    if (this.#index !== index) {
      this.#index = index;
      this.#packs = new Set();
      for (const { pack, blobs } of index.packs()) if (blobs[0]?.type === "tree") this.#packs.add(pack);
    }
    return this.#packs.has(id);
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
