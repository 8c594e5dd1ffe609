import { expect, test } from "vitest";
import { parseObjectId } from "../../format/ids.ts";
import { hashedName } from "../../store/layout.ts";
import { memoryStore } from "../../store/memory-store.ts";
import { faultyStore } from "./faulty-store.ts";
import { objectStoreSuite } from "./object-store-suite.ts";

objectStoreSuite("a faulty store without faults", async () => ({
  store: faultyStore(memoryStore()),
  [Symbol.asyncDispose]: async () => undefined,
}));

const lock = hashedName("locks", parseObjectId("ab".repeat(32)));
const bytes = new TextEncoder().encode("0123456789");

test("after the given number of puts every put and delete fails and has no effect, and reads go on", async () => {
  const inner = memoryStore();
  const store = faultyStore(inner, { failAfterPuts: 1 });
  await store.put("config", bytes);
  await store.delete(lock);
  await expect(store.put(lock, bytes)).rejects.toThrow("store-unavailable");
  await expect(store.delete("config")).rejects.toThrow("store-unavailable");
  expect(await store.get("config")).toEqual(bytes);
  await expect(inner.get(lock)).rejects.toMatchObject({ code: "not-found" });
});

test("after the given number of puts and deletes nothing works any more", async () => {
  const store = faultyStore(memoryStore(), { failAfterWrites: 2 });
  await store.put("config", bytes);
  await store.delete(lock);
  expect(await store.size("config")).toBe(10);
  await expect(store.delete("config")).rejects.toThrow("store-unavailable");
  await expect(store.get("config")).rejects.toThrow("store-unavailable");
});

test("a failure before leaves no effect, a failure after does", async () => {
  const inner = memoryStore();
  const failures = [
    { call: "put", nth: 1 },
    { call: "put", nth: 2, when: "after" },
  ] as const;
  const store = faultyStore(inner, { failures });
  await expect(store.put(lock, bytes)).rejects.toThrow("planned failure of put 1");
  await expect(inner.get(lock)).rejects.toMatchObject({ code: "not-found" });
  await expect(store.put(lock, bytes)).rejects.toThrow("planned failure of put 2");
  expect(await inner.get(lock)).toEqual(bytes);
  await store.put(lock, bytes);
});

test("damage shows whole and in the ranges that it touches, as long as it is told to", async () => {
  const damages = [
    { name: lock, how: "flip", offset: 3, times: 2 },
    { name: "config", how: "truncate" },
  ] as const;
  const store = faultyStore(memoryStore(), { damages });
  await store.put(lock, bytes);
  await store.put("config", bytes);
  expect(await store.get(lock)).toEqual(new TextEncoder().encode("0122456789"));
  expect(await store.get(lock, { range: { start: 3, end: 4 } })).toEqual(new TextEncoder().encode("2"));
  expect(await store.get(lock)).toEqual(bytes);
  expect(await store.get("config")).toHaveLength(9);
  const lastByte = store.get("config", { range: { start: 9, end: 10 } });
  await expect(lastByte).rejects.toMatchObject({ code: "corrupt-data" });
});

test("a delay holds a call until its promise resolves", async () => {
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const store = faultyStore(memoryStore(), { delay: (call) => (call === "put" ? gate.promise : undefined) });
  const put = store.put("config", bytes).then(() => order.push("put"));
  await store.create().then(() => order.push("create"));
  gate.resolve();
  await put;
  expect(order).toEqual(["create", "put"]);
});
