import { createHash, randomBytes, randomUUID } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { type ObjectName, configName } from "../object-store/object-name.ts";
import type { ListedObject, ObjectStorage, RangeRequest } from "../object-store/object-storage.ts";

/** What every `ObjectStorage` promises, checked on the one that `makeObjects` gives. */
export function objectStorageSuite(name: string, makeObjects: () => Promise<ObjectStorage>): void {
  describe(`${name} keeps the promises of an object storage:`, () => {
    test("an object comes back as it was stored, whole and in ranges", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const bytes = randomBytes(300_000);
      const object = hashedObject("data", bytes);
      await store(objects, repository, object, bytes);

      expect((await objects.stat(repository, object)).sizeBytes).toBe(bytes.length);
      const ranges: [RangeRequest | undefined, Buffer][] = [
        [undefined, bytes],
        [{ start: 0 }, bytes],
        [{ start: 10, end: 11 }, bytes.subarray(10, 11)],
        [{ start: 299_999 }, bytes.subarray(299_999)],
        [{ start: 299_990, end: 400_000 }, bytes.subarray(299_990)],
        [{ lastBytes: 651 }, bytes.subarray(-651)],
        [{ lastBytes: 400_000 }, bytes],
      ];
      for (const [range, expected] of ranges) {
        const opened = await objects.get(repository, object, range);
        expect(opened.sizeBytes).toBe(bytes.length);
        expect(opened.range.end - opened.range.start).toBe(expected.length);
        expect((await buffer(opened.stream)).equals(expected)).toBe(true);
      }
    });

    test("a range that starts beyond the end is refused with the object's size", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const object = hashedObject("index", Buffer.from("twelve bytes"));
      await store(objects, repository, object, Buffer.from("twelve bytes"));
      for (const range of [{ start: 12 }, { start: 100, end: 200 }, { lastBytes: 0 }])
        await expect(objects.get(repository, object, range)).rejects.toMatchObject({
          code: "bad-range",
          objectSizeBytes: 12,
        });
    });

    test("an empty object is answered whole, whatever the range", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const object = hashedObject("locks", Buffer.alloc(0));
      await store(objects, repository, object, Buffer.alloc(0));
      for (const range of [undefined, { start: 0 }, { lastBytes: 5 }]) {
        const opened = await objects.get(repository, object, range);
        expect([opened.sizeBytes, opened.range.end, (await buffer(opened.stream)).length]).toEqual([0, 0, 0]);
      }
    });

    test("what is not there is not found", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      for (const object of [configName, hashedObject("data", Buffer.from("absent"))]) {
        await expect(objects.get(repository, object)).rejects.toMatchObject({ code: "not-found" });
        await expect(objects.get(repository, object, { start: 0 })).rejects.toMatchObject({ code: "not-found" });
        await expect(objects.stat(repository, object)).rejects.toMatchObject({ code: "not-found" });
        await objects.delete(repository, object);
      }
    });

    test("every chunk is told of once and only when its bytes are safe, or none is", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const bytes = randomBytes(1_000_000);
      const object = hashedObject("data", bytes);
      const told: number[] = [];
      // Whoever gets its memory back uses it for something else.
      const onWritten = (chunk: Uint8Array) => void told.push(chunk.fill(0).length);
      const chunks = inChunks(Buffer.from(bytes));
      await objects.put(repository, object, chunks, { sizeBytes: bytes.length, sha256: object.name, onWritten });
      expect([0, bytes.length]).toContain(told.reduce((sum, length) => sum + length, 0));
      const { stream } = await objects.get(repository, object);
      expect((await buffer(stream)).equals(bytes)).toBe(true);
    });

    test("a body with another hash, or too short or too long, is not kept", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const bytes = randomBytes(200_000);
      const object = hashedObject("data", bytes);
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(150_000) ^ 1, 150_000);
      const { name: sha256 } = object;
      const put = (body: Uint8Array, sizeBytes: number) =>
        objects.put(repository, object, inChunks(body), { sizeBytes, sha256 });

      await expect(put(flipped, bytes.length)).rejects.toMatchObject({ code: "wrong-hash" });
      await expect(put(bytes.subarray(1), bytes.length)).rejects.toMatchObject({ code: "wrong-length" });
      await expect(put(bytes, bytes.length - 1)).rejects.toMatchObject({ code: "wrong-length" });
      await expect(objects.stat(repository, object)).rejects.toMatchObject({ code: "not-found" });
      expect(await listAll(objects, repository, "data")).toEqual([]);
    });

    test("a body that breaks off leaves nothing, and its own error is passed on", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const bytes = randomBytes(200_000);
      const object = hashedObject("data", bytes);
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(0, 100_000);
        throw new TypeError("the client hung up");
      }
      await expect(
        objects.put(repository, object, broken(), { sizeBytes: bytes.length, sha256: object.name }),
      ).rejects.toThrow("the client hung up");
      await expect(objects.stat(repository, object)).rejects.toMatchObject({ code: "not-found" });
    });

    test("storing the same object again, also at the same time, leaves one whole object", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const bytes = randomBytes(150_000);
      const object = hashedObject("data", bytes);
      await Promise.all([1, 2, 3].map(() => store(objects, repository, object, bytes)));
      await store(objects, repository, object, bytes);
      expect((await buffer((await objects.get(repository, object)).stream)).equals(bytes)).toBe(true);
      expect(await listAll(objects, repository, "data")).toHaveLength(1);
    });

    test("the first config stays, whatever is sent after it", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      expect(await storeConfig(objects, repository, "first")).toEqual({
        outcome: "stored",
        sha256: sha256Of(Buffer.from("first")),
      });
      for (const text of ["later", "first"])
        expect(await storeConfig(objects, repository, text)).toEqual({
          outcome: "exists",
          sha256: sha256Of(Buffer.from(text)),
        });
      expect((await buffer((await objects.get(repository, configName)).stream)).toString()).toBe("first");
    });

    test("a list has every object of its kind and repository with size and time, and nothing else", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const other = randomUUID();
      await objects.createRepository(other);
      const before = Date.now() - clockDifferenceMs;
      const bodies = Array.from({ length: 12 }, (_, index) => randomBytes(index + 1));
      for (const bytes of bodies) await store(objects, repository, hashedObject("data", bytes), bytes);
      await store(objects, repository, hashedObject("index", Buffer.from("i")), Buffer.from("i"));
      await store(objects, other, hashedObject("data", Buffer.from("o")), Buffer.from("o"));

      const listed = await listAll(objects, repository, "data");
      expect(listed.map(({ name, sizeBytes }) => `${name} ${sizeBytes}`).sort()).toEqual(
        bodies.map((bytes) => `${sha256Of(bytes)} ${bytes.length}`).sort(),
      );
      for (const { storedAt } of listed) expect(storedAt.getTime()).toBeGreaterThan(before);
      expect(await listAll(objects, repository, "snapshots")).toEqual([]);
    });

    test("a deleted object is gone, and may be stored again", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const bytes = Buffer.from("here today");
      const object = hashedObject("snapshots", bytes);
      await store(objects, repository, object, bytes);
      await objects.delete(repository, object);
      await objects.delete(repository, object);
      expect(await listAll(objects, repository, "snapshots")).toEqual([]);
      await store(objects, repository, object, bytes);
      expect((await objects.stat(repository, object)).sizeBytes).toBe(bytes.length);
    });

    test("what is in quarantine is out of every read and list, comes back as it was, and is deleted for good by a purge", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      for (const kind of ["data", "index", "snapshots", "keys"] as const) {
        const [bytes, other] = [randomBytes(70_000), randomBytes(10)];
        const [object, kept] = [hashedObject(kind, bytes), hashedObject(kind, other)];
        await store(objects, repository, object, bytes);
        await store(objects, repository, kept, other);
        // Asked twice, as after an answer that got lost.
        for (let time = 0; time < 2; time++)
          expect(await objects.quarantine(repository, object)).toMatchObject({ sizeBytes: 70_000 });
        await expect(objects.get(repository, object)).rejects.toMatchObject({ code: "not-found" });
        await expect(objects.stat(repository, object)).rejects.toMatchObject({ code: "not-found" });
        expect((await listAll(objects, repository, kind)).map(({ name }) => name)).toEqual([kept.name]);
        expect((await listQuarantined(objects, repository, kind)).map(({ name }) => name)).toEqual([object.name]);

        for (let time = 0; time < 2; time++)
          expect(await objects.bringBack(repository, object)).toMatchObject({ sizeBytes: 70_000 });
        expect((await buffer((await objects.get(repository, object)).stream)).equals(bytes)).toBe(true);
        expect(await listAll(objects, repository, kind)).toHaveLength(2);
        expect(await listQuarantined(objects, repository, kind)).toEqual([]);

        await objects.quarantine(repository, object);
        for (let time = 0; time < 2; time++) await objects.purge(repository, object);
        expect(await listQuarantined(objects, repository, kind)).toEqual([]);
        expect(await objects.bringBack(repository, object)).toBeUndefined();
        expect(await objects.quarantine(repository, object)).toBeUndefined();
        expect(await listAll(objects, repository, kind)).toHaveLength(1);
      }
    });

    test("an object that was stored again after it went to quarantine is one object, wherever it goes", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const bytes = randomBytes(1000);
      const object = hashedObject("data", bytes);
      for (const move of ["bringBack", "quarantine"] as const) {
        await store(objects, repository, object, bytes);
        await objects.quarantine(repository, object);
        await store(objects, repository, object, bytes);
        expect(await objects[move](repository, object)).toMatchObject({ sizeBytes: 1000 });
        const [there, held] = [
          await listAll(objects, repository, "data"),
          await listQuarantined(objects, repository, "data"),
        ];
        expect([there.length, held.length]).toEqual(move === "bringBack" ? [1, 0] : [0, 1]);
      }
    });

    test("quarantines of two repositories don't mix", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const other = randomUUID();
      await objects.createRepository(other);
      const bytes = randomBytes(100);
      const object = hashedObject("data", bytes);
      await store(objects, repository, object, bytes);
      await objects.quarantine(repository, object);
      expect(await objects.bringBack(other, object)).toBeUndefined();
      expect(await listQuarantined(objects, other, "data")).toEqual([]);
      expect(await listQuarantined(objects, repository, "data")).toHaveLength(1);
    });

    test("creating a repository twice changes nothing, and the storage is healthy", async () => {
      const { objects, repository } = await newRepository(makeObjects);
      const bytes = Buffer.from("kept");
      await store(objects, repository, hashedObject("keys", bytes), bytes);
      await objects.createRepository(repository);
      expect(await listAll(objects, repository, "keys")).toHaveLength(1);
      await objects.health();
    });
  });
}

/** A bucket tells times in whole seconds, by its own clock. */
const clockDifferenceMs = 5000;

export async function newRepository(makeObjects: () => Promise<ObjectStorage>) {
  const objects = await makeObjects();
  const repository = randomUUID();
  await objects.createRepository(repository);
  return { objects, repository };
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

type HashedObject = Extract<ObjectName, { readonly kind: "data" | "index" | "keys" | "locks" | "snapshots" }>;

export function hashedObject(kind: HashedObject["kind"], bytes: Uint8Array): HashedObject {
  return { kind, name: sha256Of(bytes) };
}

export async function store(objects: ObjectStorage, repository: string, object: HashedObject, bytes: Uint8Array) {
  return await objects.put(repository, object, inChunks(bytes), { sizeBytes: bytes.length, sha256: object.name });
}

export async function storeConfig(objects: ObjectStorage, repository: string, text: string) {
  const bytes = Buffer.from(text);
  return await objects.put(repository, configName, inChunks(bytes), { sizeBytes: bytes.length });
}

export async function listAll(
  objects: ObjectStorage,
  repository: string,
  kind: HashedObject["kind"],
): Promise<ListedObject[]> {
  const all: ListedObject[] = [];
  for await (const batch of objects.list(repository, kind)) all.push(...batch);
  return all;
}

async function listQuarantined(objects: ObjectStorage, repository: string, kind: HashedObject["kind"]) {
  const all: ListedObject[] = [];
  for await (const batch of objects.listQuarantine(repository, kind)) all.push(...batch);
  return all;
}

const chunkBytes = 65_536;

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes);
}
