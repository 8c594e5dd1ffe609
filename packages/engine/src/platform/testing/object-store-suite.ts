import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Abortable } from "../../flow/abortable.ts";
import { objectIdFromBytes } from "../../format/ids.ts";
import { type ObjectKind, objectKinds } from "../../format/object-name.ts";
import { type HashedName, hashedName, splitName } from "../../store/layout.ts";
import type { ObjectStore, StoredObject } from "../../store/object-store.ts";

/** A store for one test, empty and not created yet; what it stands on goes with it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
}

/** The promises of the `ObjectStore` port, as tests: every implementation and every wrapper keeps them. */
export function objectStoreSuite(name: string, make: () => Promise<StoreUnderTest>): void {
  /** Given a created, empty store. */
  const storeTest = (promise: string, story: (store: ObjectStore) => Promise<void>) =>
    test(promise, async () => {
      await using made = await make();
      await made.store.create();
      await story(made.store);
    });

  describe(`${name} keeps the promises of an object store:`, () => {
    storeTest("what was put comes back byte for byte, for every kind and for config", async (store) => {
      const config = bytesOf("config");
      await store.put("config", config);
      expect(await store.get("config")).toEqual(config);
      for (const kind of objectKinds) {
        const object = await putNew(store, kind, `an object of ${kind}`);
        expect(await store.get(object.name)).toEqual(object.bytes);
      }
    });

    storeTest("an object of some megabytes comes back whole and in parts", async (store) => {
      const bytes = noise(3 * 1024 * 1024 + 17);
      const object = nameFor("data", bytes);
      await store.put(object, bytes);
      expect(sha256(await store.get(object))).toBe(sha256(bytes));
      const part = await store.get(object, { range: { start: 1_000_003, end: 2_500_001 } });
      expect(sha256(part)).toBe(sha256(bytes.subarray(1_000_003, 2_500_001)));
    });

    storeTest(
      "objects come through whole in pieces at a pace, and it is asked for each byte once or not at all",
      async (store) => {
        const bytes = noise(200_003);
        const object = nameFor("data", bytes);
        const uploaded = smallPace();
        await store.put(object, bytes, { pace: uploaded.pace });
        const downloaded = smallPace();
        expect(sha256(await store.get(object, { pace: downloaded.pace }))).toBe(sha256(bytes));
        const part = smallPace();
        const range = { start: 100, end: 50_100 };
        expect(await store.get(object, { range, pace: part.pace })).toEqual(bytes.slice(range.start, range.end));
        expect([0, bytes.length]).toContain(uploaded.bytes());
        expect([0, bytes.length]).toContain(downloaded.bytes());
        expect([0, 50_000]).toContain(part.bytes());
      },
    );

    storeTest("a transfer whose pace ends it ends by the signal's reason, and nothing is stored", async (store) => {
      const bytes = noise(200_003);
      const object = nameFor("data", bytes);
      const stopping = new AbortController();
      let calls = 0;
      const pace = async (wantedBytes: number) => {
        if (++calls > 2) stopping.abort("enough");
        stopping.signal.throwIfAborted();
        return Math.min(wantedBytes, 30_000);
      };
      const outcome = await store
        .put(object, bytes, { pace, signal: stopping.signal })
        .catch((reason: unknown) => reason);
      if (calls === 0) return expect(outcome).toBeUndefined();
      expect(outcome).toBe("enough");
      await expect(store.get(object)).rejects.toMatchObject({ code: "not-found" });
    });

    storeTest("an empty object is an object", async (store) => {
      const empty = await putNew(store, "locks", "");
      expect(await store.get(empty.name)).toEqual(new Uint8Array(0));
      expect(await store.size(empty.name)).toBe(0);
      expect(await listed(store, "locks")).toEqual([{ id: splitName(empty.name).id, sizeBytes: 0 }]);
    });

    storeTest("a range gives exactly its bytes, at the start, in the middle, at the end, or none", async (store) => {
      const { name: object, bytes } = await putNew(store, "data", "0123456789");
      for (const [start, end] of [
        [0, 1],
        [0, 10],
        [3, 7],
        [9, 10],
        [0, 0],
        [4, 4],
        [10, 10],
      ] as const) {
        expect(await store.get(object, { range: { start, end } }), `${start} to ${end}`).toEqual(
          bytes.slice(start, end),
        );
      }
    });

    storeTest("a range of config gives exactly its bytes", async (store) => {
      await store.put("config", bytesOf("0123456789"));
      expect(await store.get("config", { range: { start: 2, end: 5 } })).toEqual(bytesOf("234"));
    });

    storeTest("a range that ends behind the object is corrupt-data, never a short read", async (store) => {
      const { name: object } = await putNew(store, "data", "0123456789");
      for (const [start, end] of [
        [0, 11],
        [9, 11],
        [10, 11],
        [11, 11],
        [50, 60],
      ] as const) {
        const read = store.get(object, { range: { start, end } });
        await expect(read, `${start} to ${end}`).rejects.toMatchObject({ code: "corrupt-data" });
      }
    });

    storeTest("size is the number of bytes", async (store) => {
      const { name: object } = await putNew(store, "index", "0123456789");
      expect(await store.size(object)).toBe(10);
    });

    storeTest("what was never put is not-found, whole, in part and by size", async (store) => {
      for (const object of ["config", ...objectKinds.map((kind) => nameFor(kind, bytesOf("absent")))] as const) {
        await expect(store.get(object)).rejects.toMatchObject({ code: "not-found" });
        await expect(store.get(object, { range: { start: 0, end: 4 } })).rejects.toMatchObject({ code: "not-found" });
        await expect(store.get(object, { range: { start: 0, end: 0 } })).rejects.toMatchObject({ code: "not-found" });
        await expect(store.size(object)).rejects.toMatchObject({ code: "not-found" });
      }
    });

    storeTest("a new store lists nothing", async (store) => {
      for (const kind of objectKinds) expect(await listed(store, kind)).toEqual([]);
    });

    storeTest("a listing has every object of its kind with its size, and no other", async (store) => {
      await store.put("config", bytesOf("config"));
      const packs = await Promise.all(range(20).map((n) => putNew(store, "data", `pack ${"x".repeat(n)}`)));
      const lock = await putNew(store, "locks", "lock");
      const expected = packs.map(({ name: pack, bytes }) => ({ id: splitName(pack).id, sizeBytes: bytes.length }));
      expect(await listed(store, "data")).toEqual(sorted(expected));
      expect(await listed(store, "locks")).toEqual([{ id: splitName(lock.name).id, sizeBytes: 4 }]);
      expect(await listed(store, "snapshots")).toEqual([]);
    });

    storeTest("a listing may be left before its end", async (store) => {
      await Promise.all(range(5).map((n) => putNew(store, "index", `index ${n}`)));
      for await (const object of store.list("index")) {
        expect(object.sizeBytes).toBe(7);
        break;
      }
      expect(await listed(store, "index")).toHaveLength(5);
    });

    storeTest("putting the same bytes under the same name again is fine, also for config", async (store) => {
      const object = await putNew(store, "snapshots", "again");
      await store.put(object.name, object.bytes);
      await store.put("config", bytesOf("config"));
      await store.put("config", bytesOf("config"));
      expect(await store.get(object.name)).toEqual(object.bytes);
      expect(await listed(store, "snapshots")).toHaveLength(1);
    });

    storeTest("another config is refused with already-exists, and the first stays", async (store) => {
      await store.put("config", bytesOf("the first"));
      await expect(store.put("config", bytesOf("another"))).rejects.toMatchObject({ code: "already-exists" });
      expect(await store.get("config")).toEqual(bytesOf("the first"));
    });

    storeTest("what was deleted is gone, and deleting it again is fine", async (store) => {
      const object = await putNew(store, "locks", "lock");
      const kept = await putNew(store, "locks", "another lock");
      await store.delete(object.name);
      await expect(store.get(object.name)).rejects.toMatchObject({ code: "not-found" });
      expect((await listed(store, "locks")).map(({ id }) => id)).toEqual([splitName(kept.name).id]);
      await store.delete(object.name);
      await store.put(object.name, object.bytes);
      expect(await store.get(object.name)).toEqual(object.bytes);
    });

    storeTest("creating it again is fine and keeps what is there", async (store) => {
      const object = await putNew(store, "keys", "key");
      await store.create();
      expect(await store.get(object.name)).toEqual(object.bytes);
    });

    storeTest("it keeps and hands out copies: changing a buffer afterwards changes nothing", async (store) => {
      const { name: object, bytes } = await putNew(store, "keys", "bytes of mine");
      const original = bytes.slice();
      bytes.fill(0);
      (await store.get(object)).fill(0);
      expect(await store.get(object)).toEqual(original);
    });

    storeTest("a view into a larger buffer stores only its own bytes", async (store) => {
      const view = bytesOf("before|the bytes|after").subarray(7, 16);
      const object = nameFor("keys", view);
      await store.put(object, view);
      expect(await store.get(object)).toEqual(bytesOf("the bytes"));
    });

    storeTest("many calls at a time don't mix", async (store) => {
      const objects = await Promise.all(range(24).map((n) => putNew(store, "data", `object ${n} `.repeat(1000 + n))));
      const read = await Promise.all(objects.map(({ name: object }) => store.get(object)));
      expect(read).toEqual(objects.map(({ bytes }) => bytes));
    });

    storeTest("an aborted signal ends every call with its reason, and nothing is stored or deleted", async (store) => {
      const object = await putNew(store, "data", "stays");
      const reason = new DOMException("enough", "AbortError");
      const signal = AbortSignal.abort(reason);
      const bytes = bytesOf("never stored");
      const calls = [
        () => store.create({ signal }),
        () => store.put(nameFor("data", bytes), bytes, { signal }),
        () => store.get(object.name, { signal }),
        () => store.size(object.name, { signal }),
        () => listed(store, "data", { signal }),
        () => store.delete(object.name, { signal }),
      ];
      for (const call of calls) await expect(call()).rejects.toBe(reason);
      expect((await listed(store, "data")).map(({ id }) => id)).toEqual([splitName(object.name).id]);
    });
  });
}

/** Lets 7001 bytes through at a time, and counts. */
function smallPace() {
  let allowedBytes = 0;
  const pace = async (wantedBytes: number) => {
    const allowed = Math.min(wantedBytes, 7001);
    allowedBytes += allowed;
    return allowed;
  };
  return { pace, bytes: () => allowedBytes };
}

async function putNew(
  store: ObjectStore,
  kind: ObjectKind,
  text: string,
): Promise<{ readonly name: HashedName; readonly bytes: Uint8Array }> {
  const bytes = bytesOf(text);
  const name = nameFor(kind, bytes);
  await store.put(name, bytes);
  return { name, bytes };
}

/** The name that bytes have: some stores refuse any other. */
function nameFor(kind: ObjectKind, bytes: Uint8Array): HashedName {
  return hashedName(kind, objectIdFromBytes(createHash("sha256").update(bytes).digest()));
}

async function listed(store: ObjectStore, kind: ObjectKind, options: Abortable = {}): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of store.list(kind, options)) objects.push(object);
  return sorted(objects);
}

function sorted(objects: readonly StoredObject[]): StoredObject[] {
  return objects.toSorted((left, right) => (left.id < right.id ? -1 : 1));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The same every time, and without a pattern that a mix-up could hide in. */
function noise(lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let state = 1;
  for (let at = 0; at < lengthBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
