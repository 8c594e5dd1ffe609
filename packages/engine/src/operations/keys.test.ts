import { beforeEach, expect, test } from "vitest";
import { objectName } from "../format/object-name.ts";
import { newTestRepository, testLock, testPassword } from "../platform/testing/test-repository.ts";
import { openRepository } from "../repository/open-repository.ts";
import type { Repository } from "../repository/repository.ts";
import { addKey, changePassword, listKeys, removeKey } from "./keys.ts";

const bob = { password: "second", hostname: "beta", username: "bob", lock: testLock };
let repository: Repository;

beforeEach(async () => {
  repository = await newTestRepository();
});

test("keys are listed with who made them, and which one is in use", async () => {
  const id = await addKey(repository, bob);
  const keys = await listKeys(repository);
  expect(keys).toHaveLength(2);
  expect(keys.find(({ current }) => current)?.id).toBe(repository.keyId);
  expect(keys.find((key) => key.id === id)).toMatchObject({ username: "bob", hostname: "beta", current: false });
});

test("a damaged key file is passed over, by name, and the others are listed", async () => {
  const id = await addKey(repository, bob);
  const name = objectName("keys", id);
  const bytes = await repository.store.get(name);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await repository.store.put(name, bytes);
  const unreadable: string[] = [];
  const keys = await listKeys(repository, { onUnreadable: (damaged) => unreadable.push(damaged) });
  expect([keys.map((key) => key.id), unreadable]).toEqual([[repository.keyId], [id]]);
  await expect(listKeys(repository)).rejects.toMatchObject({ code: "corrupt-data" });
});

test("a key is removed by a prefix of its id, and its password opens nothing any more", async () => {
  const id = await addKey(repository, bob);
  await removeKey(repository, { idPrefix: id.slice(0, 8), lock: testLock });
  await expect(openRepository(repository, { password: "second" })).rejects.toMatchObject({ code: "wrong-password" });
});

test("the key in use can't be removed, so one always stays", async () => {
  await expect(removeKey(repository, { idPrefix: repository.keyId, lock: testLock })).rejects.toMatchObject({
    code: "invalid-input",
  });
});

test("a prefix that fits no key, or more than one, is refused", async () => {
  await addKey(repository, bob);
  await expect(removeKey(repository, { idPrefix: "zz", lock: testLock })).rejects.toMatchObject({ code: "not-found" });
  await expect(removeKey(repository, { idPrefix: "", lock: testLock })).rejects.toMatchObject({ code: "not-found" });
});

test("a changed password replaces the old one and keeps the master key", async () => {
  await changePassword(repository, bob);
  await expect(openRepository(repository, { password: testPassword })).rejects.toMatchObject({
    code: "wrong-password",
  });
  expect((await openRepository(repository, { password: "second" })).masterKey).toEqual(repository.masterKey);
});
