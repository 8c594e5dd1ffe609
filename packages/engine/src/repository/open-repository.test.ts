import { beforeEach, expect, test } from "vitest";
import { initRepository } from "../operations/init.ts";
import { addKey } from "../operations/keys.ts";
import { forgeConfig, forgeKeyFile } from "../platform/testing/forger.ts";
import { newTestRepository, testLock, testPassword } from "../platform/testing/test-repository.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { listKeyIds, openRepository } from "./open-repository.ts";
import type { Repository } from "./repository.ts";

let store: ObjectStore;
let made: Repository;

beforeEach(async () => {
  store = memoryStore();
  made = await newTestRepository(store);
});

test("the password that made a repository opens it, with the same keys and config", async () => {
  const opened = await openRepository(made, { password: testPassword });
  expect(opened.config).toEqual(made.config);
  expect(opened.masterKey).toEqual(made.masterKey);
});

test("a wrong password is told apart from a repository that is not there", async () => {
  await expect(openRepository(made, { password: "Geheim" })).rejects.toMatchObject({ code: "wrong-password" });
  await expect(openRepository({ ...made, store: memoryStore() }, { password: testPassword })).rejects.toMatchObject({
    code: "no-repository",
  });
});

test("every password that was added opens it", async () => {
  await addKey(made, { password: "second", hostname: "beta", username: "bob", lock: testLock });
  expect((await openRepository(made, { password: "second" })).masterKey).toEqual(made.masterKey);
  expect((await openRepository(made, { password: testPassword })).masterKey).toEqual(made.masterKey);
});

test("a damaged key file does not lock out the owner of another", async () => {
  const other = await addKey(made, { password: "second", hostname: "beta", username: "bob", lock: testLock });
  const bytes = await store.get(`keys/${other}`);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await store.put(`keys/${other}`, bytes);
  expect((await openRepository(made, { password: testPassword })).keyId).toBe(made.keyId);
  await expect(openRepository(made, { password: "second" })).rejects.toMatchObject({
    code: "wrong-password",
    hint: expect.stringContaining(other),
  });
});

test("a key file of absurd cost does not lock out the owner of another", async () => {
  const cost = { N: 16, r: 8, p: 1 };
  for (let i = 0; i < 3; i++)
    await forgeKeyFile(made, { password: testPassword, cost, claim: { N: 2 ** 30, r: 8, p: 1 } });
  expect((await openRepository(made, { password: testPassword })).keyId).toBe(made.keyId);
});

test.each(["3", "38f1e565e288df", "ffffffffffffffff"])(
  "a config with the polynomial %s is refused",
  async (polynomial) => {
    await forgeConfig(made, { version: 2, id: made.config.id, chunker_polynomial: polynomial });
    const refusal = { code: "corrupt-data", message: expect.stringContaining("polynomial") as string };
    await expect(openRepository(made, { password: testPassword })).rejects.toMatchObject(refusal);
  },
);

test("the key that the hint names is tried first", async () => {
  await addKey(made, { password: "second", hostname: "beta", username: "bob", lock: testLock });
  for (const id of await listKeyIds(made)) {
    const read: string[] = [];
    const watched = { ...store, get: (name: never) => (read.push(name), store.get(name)) };
    await openRepository({ ...made, store: watched }, { password: testPassword, keyHint: id.slice(0, 10) });
    expect(read.filter((name) => name.startsWith("keys/"))[0]).toBe(`keys/${id}`);
  }
});

test("a damaged config is said to be that, not a wrong password", async () => {
  const sealed = await store.get("config");
  sealed[30] = (sealed[30] ?? 0) ^ 1;
  await store.delete("config");
  await store.put("config", sealed);
  await expect(openRepository(made, { password: testPassword })).rejects.toMatchObject({
    code: "corrupt-data",
    message: expect.stringContaining("config"),
  });
});

test("nobody can make a repository where there is one, or part of one", async () => {
  const request = { password: "x", hostname: "h", username: "u" };
  await expect(initRepository(made, request)).rejects.toMatchObject({ code: "already-exists" });
  await store.delete("config");
  await expect(initRepository(made, request)).rejects.toMatchObject({
    code: "already-exists",
    message: expect.stringContaining("a key"),
  });
});
