import { beforeEach, expect, test } from "vitest";
import {
  check,
  findSnapshot,
  lockRepository,
  memoryStore,
  type ObjectStore,
  openRepository,
  type Repository,
  unlock,
} from "@saveos/engine";
import { autoClock, backUp, memorySource, testLock, testPassword } from "@saveos/engine/testing";
import { clearError } from "../support/clear-outcome.ts";
import { errorsFound, newQuickRepository, quickDeps, restoredWhole } from "../support/quick-engine.ts";

let store: ObjectStore;
const source = memorySource({ home: { "notes.txt": "first" } });
beforeEach(async () => {
  store = memoryStore();
  await newQuickRepository(store);
});

const nsOf = (time: string) => BigInt(Date.parse(time)) * 1_000_000n;

async function at(time: string | bigint): Promise<Repository> {
  const clock = autoClock(typeof time === "bigint" ? time : nsOf(time));
  return await openRepository(quickDeps(store, clock), { password: testPassword });
}

test("a backup of a machine that believes it is 2099 does not mislead the next ones", async () => {
  const future = await backUp(await at("2099-01-01T00:00:00Z"), source);
  const first = await backUp(await at("2026-01-01T00:00:00Z"), source);
  expect(first.parent).toBeUndefined();
  const second = await backUp(await at("2026-01-02T00:00:00Z"), source);
  expect(second.parent).toBe(first.snapshotId);
  expect((await findSnapshot(await at("2026-01-03T00:00:00Z"), "latest")).snapshot.id).toBe(future.snapshotId);
  for (const { snapshotId = "" } of [future, first, second])
    expect(await restoredWhole(await at("2026-01-03T00:00:00Z"), snapshotId)).toHaveProperty("/home/notes.txt");
  expect(await errorsFound(await at("2026-01-03T00:00:00Z"))).toEqual([]);
});

test.each([
  ["1970-01-01T00:00:00Z"],
  ["0001-01-01T00:00:00Z"],
  ["9999-12-31T23:59:00Z"],
  [-(10n ** 20n)],
  [10n ** 21n],
])("a machine that believes it is %s backs up, checks and restores", async (time) => {
  const { snapshotId = "" } = await backUp(await at(time), source);
  expect(await restoredWhole(await at(time), snapshotId)).toHaveProperty("/home/notes.txt");
  expect(await errorsFound(await at("2026-01-03T00:00:00Z"))).toEqual([]);
});

test("a lock of the future is no stale lock, and can be removed when the person knows better", async () => {
  const locked = await lockRepository(await at("2099-01-01T00:00:00Z"), {
    ...testLock,
    hostname: "beta",
    exclusive: true,
  });
  const now = await at("2026-01-01T00:00:00Z");
  const error = await clearError(() => backUp(now, source));
  expect(error).toMatchObject({ code: "repository-locked", message: expect.stringMatching(/2099|beta/) as string });
  expect(await unlock(now, { removeAll: false, hostname: testLock.hostname })).toBe(0);
  expect(await unlock(now, { removeAll: true, hostname: testLock.hostname })).toBe(1);
  await backUp(now, source);
  await locked[Symbol.asyncDispose]();
});

test("a lock of 1970 is stale", async () => {
  await using _locked = await lockRepository(await at("1970-01-01T00:00:00Z"), {
    ...testLock,
    hostname: "beta",
    exclusive: true,
  });
  const now = await at("2026-01-01T00:00:00Z");
  expect(await unlock(now, { removeAll: false, hostname: testLock.hostname })).toBe(1);
  expect(await check(now, { lock: testLock })).toMatchObject({ errors: 0 });
});

test("a clock that jumps back a year in the middle of a backup does not stop it", async () => {
  const clock = autoClock(nsOf("2026-06-01T00:00:00Z"));
  let looks = 0;
  const jumping = { ...clock, nowNs: () => clock.nowNs() - (++looks > 5 ? nsOf("1971-01-01T00:00:00Z") : 0n) };
  const repository = await openRepository(quickDeps(store, jumping), { password: testPassword });
  const { snapshotId = "" } = await backUp(repository, source);
  expect(await restoredWhole(await at("2026-06-02T00:00:00Z"), snapshotId)).toHaveProperty("/home/notes.txt");
});
