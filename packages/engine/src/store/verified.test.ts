import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { objectIdFromBytes } from "../format/ids.ts";
import { type Faults, faultyStore } from "../platform/testing/faulty-store.ts";
import { hashedName } from "./layout.ts";
import { memoryStore } from "./memory-store.ts";
import { getVerified } from "./verified.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const bytes = new TextEncoder().encode("a snapshot");
const name = hashedName("snapshots", objectIdFromBytes(sha256(bytes)));

test("an object whose SHA-256 is its name is fetched once", async () => {
  const store = await storeWith({});
  expect(await getVerified(store, name, { sha256 })).toEqual(bytes);
  expect(store.calls.get).toBe(1);
});

test.each(["flip", "truncate"] as const)("damage on the way (%s) is healed by a second fetch", async (how) => {
  const store = await storeWith({ damages: [{ name, how, times: 1 }] });
  expect(await getVerified(store, name, { sha256 })).toEqual(bytes);
  expect(store.calls.get).toBe(2);
});

test.each(["flip", "truncate"] as const)(
  "damage that stays (%s) is corrupt-data, and names the object",
  async (how) => {
    const store = await storeWith({ damages: [{ name, how }] });
    const error = await getVerified(store, name, { sha256 }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: "corrupt-data",
      message: expect.stringContaining(`${name} in ${store.label}`),
    });
    expect(store.calls.get).toBe(2);
  },
);

test("a first fetch that the store itself calls corrupt is repeated too", async () => {
  const error = new EngineError("corrupt-data", "too long");
  const store = await storeWith({ failures: [{ call: "get", nth: 1, error }] });
  expect(await getVerified(store, name, { sha256 })).toEqual(bytes);
});

test("other failures are handed on at once", async () => {
  const store = await storeWith({ failures: [{ call: "get", nth: 1 }] });
  await expect(getVerified(store, name, { sha256 })).rejects.toMatchObject({ code: "store-unavailable" });
  expect(store.calls.get).toBe(1);
});

async function storeWith(faults: Faults) {
  const store = memoryStore();
  await store.put(name, bytes);
  return faultyStore(store, faults);
}
