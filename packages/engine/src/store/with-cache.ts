import type { ObjectId } from "../format/ids.ts";
import type { ObjectKind, ObjectName } from "../format/object-name.ts";
import { cutRange } from "./byte-range.ts";
import { type HashedName, hashedName, splitName } from "./layout.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { ByteRange, ObjectStore } from "./object-store.ts";
import type { Sha256 } from "./verified.ts";

export interface CacheOptions {
  readonly sha256: Sha256;
  /** Which packs to keep, whole, though only parts are asked for: those of trees, which every command walks. None unless told. */
  readonly cachePack?: ((id: ObjectId) => boolean) | undefined;
  /** Told when the cache failed; the work goes on without it. */
  readonly onCacheError?: ((error: unknown) => void) | undefined;
}

/**
 * The same store, with indexes, snapshots and chosen packs answered from `cache` where it has them right. A copy whose SHA-256 is not its
 * name is dropped and fetched anew, and what comes damaged from the store is never kept. After a whole listing, copies of what is gone
 * from the store go too.
 */
export function withCache(store: ObjectStore, cache: ObjectCache, options: CacheOptions): ObjectStore {
  const { sha256, cachePack = () => false, onCacheError = () => undefined } = options;
  /** Hashing a pack for each of its thousand trees would be slow: once in this store's life is enough, each blob has its own MAC. */
  const checked = new Set<HashedName>();
  /** Fetches that end in the cache, so that many readers of one pack wait for one download. */
  const filling = new Map<HashedName, Promise<void>>();
  /** What the cache could not take: parts of it are asked from the store as parts, or a full disk would fetch a whole pack for each tree. */
  const notKept = new Set<HashedName>();

  const mayBeCached = (kind: ObjectKind) =>
    kind === "index" || kind === "snapshots" || (kind === "data" && options.cachePack !== undefined);

  const isCached = (name: ObjectName): name is HashedName => {
    if (name === "config") return false;
    const { kind, id } = splitName(name);
    return mayBeCached(kind) && (kind !== "data" || cachePack(id));
  };

  async function orUndefined<Result>(cacheCall: Promise<Result>): Promise<Result | undefined> {
    try {
      return await cacheCall;
    } catch (error) {
      onCacheError(error);
      return undefined;
    }
  }

  async function fromCache(name: HashedName, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
    if (checked.has(name) && range !== undefined) return await orUndefined(cache.get(name, range));
    const bytes = await orUndefined(cache.get(name));
    if (bytes === undefined) return undefined;
    if (!isRight(name, bytes)) {
      await forget(name);
      return undefined;
    }
    checked.add(name);
    return cutRange(bytes, range, `${name} in the cache of ${store.label}`);
  }

  function isRight(name: HashedName, bytes: Uint8Array): boolean {
    return sha256(bytes).toHex() === splitName(name).id;
  }

  async function keep(name: HashedName, bytes: Uint8Array): Promise<void> {
    const kept = isRight(name, bytes) && (await orUndefined(cache.put(name, bytes).then(() => true))) === true;
    if (kept) notKept.delete(name);
    else notKept.add(name);
  }

  async function forget(name: HashedName): Promise<void> {
    checked.delete(name);
    await orUndefined(cache.delete(name));
  }

  async function fetchWhole(name: HashedName, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const filled = Promise.withResolvers<void>();
    filling.set(name, filled.promise);
    try {
      const bytes = await store.get(name, { signal });
      await keep(name, bytes);
      return bytes;
    } finally {
      filling.delete(name);
      filled.resolve();
    }
  }

  async function getCached(
    name: HashedName,
    range: ByteRange | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    for (;;) {
      signal?.throwIfAborted();
      const cached = await fromCache(name, range);
      if (cached !== undefined) return cached;
      signal?.throwIfAborted();
      if (range !== undefined && notKept.has(name)) return await store.get(name, { signal, range });
      const other = filling.get(name);
      // Nothing is awaited between this look and the entry that `fetchWhole` makes, so only one fetches.
      if (other === undefined) return cutRange(await fetchWhole(name, signal), range, `${name} in ${store.label}`);
      // It may fail, by its caller's signal for one: then the next in turn tries.
      await other;
    }
  }

  async function forgetAllBut(kind: ObjectKind, present: ReadonlySet<ObjectId>): Promise<void> {
    try {
      for await (const id of cache.list(kind)) if (!present.has(id)) await forget(hashedName(kind, id));
    } catch (error) {
      onCacheError(error);
    }
  }

  return {
    label: store.label,
    uploadsAtOnce: store.uploadsAtOnce,
    // What a put is given is kept, except of packs: a new one is in no index yet that could tell what is in it.
    localFiles: store.localFiles,
    create: (opts) => store.create(opts),
    async put(name, bytes, opts) {
      await store.put(name, bytes, opts);
      if (isCached(name)) await keep(name, bytes);
    },
    async get(name, opts = {}) {
      return isCached(name) ? await getCached(name, opts.range, opts.signal) : await store.get(name, opts);
    },
    size: (name, opts) => store.size(name, opts),
    async *list(kind, opts) {
      const present = new Set<ObjectId>();
      for await (const object of store.list(kind, opts)) {
        if (mayBeCached(kind)) present.add(object.id);
        yield object;
      }
      if (mayBeCached(kind)) await forgetAllBut(kind, present);
    },
    async delete(name, opts) {
      await store.delete(name, opts);
      if (isCached(name)) await forget(name);
    },
  };
}
