import { readdir, writeFile } from "node:fs/promises";
import { initRepository, memoryStore } from "@saveos/engine";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { type OpenSettings, openWithCache, repositoryDeps } from "./open-repository.ts";

const password = "geheim";
let machine: TestMachine;
const store = memoryStore();
let settings: OpenSettings;
let said: string[];

// Once: deriving a key takes as long as all the rest.
beforeAll(async () => {
  await using machine = await TestMachine.create();
  await initRepository(await repositoryDeps(machine.world(), store), { password, hostname: "alpha", username: "ada" });
});

beforeEach(async () => {
  machine = await TestMachine.create();
  said = [];
  settings = {
    password,
    cacheFolder: machine.path("cache"),
    onCacheError: (message) => said.push(message),
    signal: new AbortController().signal,
  };
  return () => machine[Symbol.asyncDispose]();
});

test("a store that is far gets a cache around it, one that is near only a cache of what it takes time to decode", async () => {
  const far = await openWithCache(machine.world(), store, settings);
  expect(far.store).not.toBe(store);
  const near = await openWithCache(machine.world(), store, { ...settings, cacheObjects: false });
  expect(near.store).toBe(store);
  expect([far.indexRows, near.indexRows]).not.toContain(undefined);
  expect(await readdir(machine.path("cache"))).toContain(far.config.id);
});

test("without a cache folder nothing is kept", async () => {
  const repository = await openWithCache(machine.world(), store, { ...settings, cacheFolder: undefined });
  expect(repository.store).toBe(store);
  expect(repository.indexRows).toBeUndefined();
});

test("a cache that can't be made is said once, and the repository opens without", async () => {
  await writeFile(machine.path("cache"), "in the way");
  const repository = await openWithCache(machine.world(), store, settings);
  expect(repository.indexRows).toBeUndefined();
  expect(said).toEqual([expect.stringContaining(machine.path("cache"))]);
});
