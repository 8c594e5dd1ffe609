import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type ObjectId, objectIdFromBytes } from "../format/ids.ts";
import type { ObjectKind } from "../format/object-name.ts";
import { type FaultyStore, type Faults, faultyStore } from "../platform/testing/faulty-store.ts";
import { objectStoreSuite } from "../platform/testing/object-store-suite.ts";
import { type HashedName, hashedName, idFromFileName } from "./layout.ts";
import { memoryStore } from "./memory-store.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { ObjectStore } from "./object-store.ts";
import { getVerified } from "./verified.ts";
import { withCache } from "./with-cache.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const allPacks = () => true;

objectStoreSuite("a store with a cache", async () => ({
  store: withCache(memoryStore(), memoryCache().cache, { sha256, cachePack: allPacks }),
  [Symbol.asyncDispose]: async () => undefined,
}));

objectStoreSuite("a store with a cache that always fails", async () => {
  const failing = () => Promise.reject(new RangeError("broken cache"));
  const cache: ObjectCache = {
    get: failing,
    put: failing,
    delete: failing,
    list: () => {
      throw new RangeError("broken cache");
    },
  };
  return {
    store: withCache(memoryStore(), cache, { sha256, cachePack: allPacks }),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

test.each(["index", "snapshots"] as const)(
  "of %s each object is fetched once, and afterwards never asked for",
  async (kind) => {
    const { store, inner } = await cached();
    const name = await inner.add(kind, "an object");
    for (let n = 0; n < 3; n++) expect(await store.get(name)).toEqual(bytesOf("an object"));
    expect(await store.get(name, { range: { start: 3, end: 9 } })).toEqual(bytesOf("object"));
    expect(inner.calls.get).toBe(1);
  },
);

test("keys, locks, config and packs of data are never cached", async () => {
  const { store, inner, objects } = await cached({ cachePack: () => false });
  await inner.put("config", bytesOf("config"));
  for (const name of [
    await inner.add("keys", "key"),
    await inner.add("locks", "lock"),
    await inner.add("data", "pack"),
  ]) {
    await store.get(name);
    await store.get("config");
  }
  expect(objects.size).toBe(0);
});

test("what is put is cached, so that the next run need not fetch its own index", async () => {
  const { store, inner } = await cached();
  const name = nameFor("index", bytesOf("an index"));
  await store.put(name, bytesOf("an index"));
  await store.get(name);
  expect(inner.calls.get).toBe(0);
});

test("a failed put caches nothing", async () => {
  const { store, objects } = await cached({ faults: { failAfterPuts: 0 } });
  const name = nameFor("index", bytesOf("an index"));
  await expect(store.put(name, bytesOf("an index"))).rejects.toMatchObject({ code: "store-unavailable" });
  expect(objects.size).toBe(0);
});

test("many ranges of one chosen pack, at once and later, fetch it whole and once, and hash it once", async () => {
  let hashed = 0;
  const countingSha256 = (bytes: Uint8Array) => (hashed++, sha256(bytes));
  const { store, inner } = await cached({ sha256: countingSha256 });
  const name = await inner.add("data", "0123456789");
  const read = (start: number) => store.get(name, { range: { start, end: start + 2 } });
  expect(await Promise.all([0, 3, 6, 8].map(read))).toEqual(["01", "34", "67", "89"].map(bytesOf));
  expect(await read(5)).toEqual(bytesOf("56"));
  expect(inner.calls.get).toBe(1);
  // Once when it came, once when it was first read back; those that waited together may each check it.
  expect(hashed).toBeLessThanOrEqual(4);
});

test("when a reader that others wait for is aborted, the others still get theirs", async () => {
  const controller = new AbortController();
  const { store, inner } = await cached({
    faults: { delay: (call) => (call === "get" && !controller.signal.aborted ? abortNow(controller) : undefined) },
  });
  const name = await inner.add("data", "0123456789");
  const aborted = store.get(name, { range: { start: 0, end: 1 }, signal: controller.signal });
  const other = store.get(name, { range: { start: 1, end: 3 } });
  await expect(aborted).rejects.toBe("enough");
  expect(await other).toEqual(bytesOf("12"));
});

test("a damaged copy is dropped, fetched anew and kept", async () => {
  const { store, inner, objects } = await cached();
  const name = await inner.add("index", "an index");
  objects.set(name, bytesOf("an inde_"));
  expect(await store.get(name)).toEqual(bytesOf("an index"));
  expect(objects.get(name)).toEqual(bytesOf("an index"));
});

test("a copy that was right once and cut short since is fetched anew", async () => {
  const { store, inner, objects } = await cached();
  const name = await inner.add("data", "0123456789");
  const last = { range: { start: 8, end: 10 } };
  await store.get(name, last);
  await store.get(name, last);
  objects.set(name, bytesOf("01234"));
  expect(await store.get(name, last)).toEqual(bytesOf("89"));
});

test("what comes damaged from the store is not kept, and the next fetch that is right is", async () => {
  const damage = { name: () => true, how: "flip", times: 2 } as const;
  const { store, inner, objects } = await cached({ faults: { damages: [damage] } });
  const other = await inner.add("snapshots", "damaged");
  expect(await store.get(other)).not.toEqual(bytesOf("damaged"));
  expect(objects.size).toBe(0);
  const name = await inner.add("snapshots", "a snapshot");
  expect(await getVerified(store, name, { sha256 })).toEqual(bytesOf("a snapshot"));
  expect(inner.calls.get).toBe(1 + 2);
  expect(objects.get(name)).toEqual(bytesOf("a snapshot"));
});

test("a chosen pack that the cache can't take is read in parts, not whole each time", async () => {
  const { store, inner } = await cached({ isFull: true });
  const name = await inner.add("data", "0123456789");
  const asked: boolean[] = [];
  inner.onGet = (isWhole) => void asked.push(isWhole);
  for (let start = 0; start < 4; start++) await store.get(name, { range: { start, end: start + 1 } });
  expect(asked).toEqual([true, false, false, false]);
});

test("after a whole listing, copies of what is gone from the store are gone too", async () => {
  const { store, inner, objects } = await cached();
  const gone = await inner.add("index", "gone");
  const stays = await inner.add("index", "stays");
  const other = await inner.add("snapshots", "of another kind");
  for (const name of [gone, stays, other]) await store.get(name);
  await inner.delete(gone);
  for await (const _ of store.list("index")) break;
  expect(objects.size).toBe(3);
  for await (const _ of store.list("index"));
  expect([...objects.keys()].toSorted()).toEqual([stays, other].toSorted());
});

test("what is deleted through it is deleted from the cache", async () => {
  const { store, inner, objects } = await cached();
  const name = await inner.add("index", "an index");
  await store.get(name);
  await store.delete(name);
  expect(objects.size).toBe(0);
  await expect(store.get(name)).rejects.toMatchObject({ code: "not-found" });
});

test("a broken cache is told, and stops nothing", async () => {
  const errors: unknown[] = [];
  const { store, inner } = await cached({ isFull: true, onCacheError: (error) => void errors.push(error) });
  const name = await inner.add("index", "an index");
  expect(await store.get(name)).toEqual(bytesOf("an index"));
  expect(errors).toHaveLength(1);
});

interface Setup {
  readonly faults?: Faults;
  readonly sha256?: typeof sha256;
  readonly cachePack?: (id: ObjectId) => boolean;
  readonly isFull?: boolean;
  readonly onCacheError?: (error: unknown) => void;
}

/** A store with a cache over one that counts and fails; `inner.add` puts an object there behind the cache's back. */
async function cached({ faults = {}, isFull = false, ...options }: Setup = {}) {
  const { cache, objects } = memoryCache(isFull);
  const behind = memoryStore();
  const counting: FaultyStore = faultyStore(behind, faults);
  const inner = {
    ...behind,
    calls: counting.calls,
    onGet: (_isWhole: boolean): void => undefined,
    async add(kind: ObjectKind, text: string): Promise<HashedName> {
      const name = nameFor(kind, bytesOf(text));
      await behind.put(name, bytesOf(text));
      return name;
    },
  };
  const watched: ObjectStore = {
    ...counting,
    get: (name, opts) => {
      inner.onGet(opts?.range === undefined);
      return counting.get(name, opts);
    },
  };
  return { store: withCache(watched, cache, { sha256, cachePack: allPacks, ...options }), inner, objects };
}

function memoryCache(isFull = false) {
  const objects = new Map<HashedName, Uint8Array>();
  const cache: ObjectCache = {
    async get(name, range) {
      const bytes = objects.get(name);
      if (bytes === undefined || (range !== undefined && range.end > bytes.length)) return undefined;
      return bytes.slice(range?.start, range?.end);
    },
    async put(name, bytes) {
      if (isFull) throw new RangeError("the cache is full");
      objects.set(name, bytes.slice());
    },
    async *list(kind) {
      for (const name of objects.keys()) {
        const id = name.startsWith(`${kind}/`) ? idFromFileName(name.slice(kind.length + 1)) : undefined;
        if (id !== undefined) yield id;
      }
    },
    async delete(name) {
      objects.delete(name);
    },
  };
  return { cache, objects };
}

async function abortNow(controller: AbortController): Promise<void> {
  controller.abort("enough");
}

function nameFor(kind: ObjectKind, bytes: Uint8Array): HashedName {
  return hashedName(kind, objectIdFromBytes(sha256(bytes)));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
