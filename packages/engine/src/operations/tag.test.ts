import { beforeEach, expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { type ObjectId, parseObjectId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import { type Faults, faultyStore } from "../platform/testing/faulty-store.ts";
import { Forger } from "../platform/testing/forger.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadUnpacked } from "../repository/unpacked-files.ts";
import { listSnapshots } from "./snapshots.ts";
import { type TagRequest, tagSnapshots } from "./tag.ts";

let repository: Repository;
let ids: ObjectId[];

beforeEach(async () => {
  repository = await newTestRepository();
  const forger = new Forger(repository);
  const tree = forger.addTree([]);
  await forger.store();
  ids = [];
  for (const [nr, tags] of [[], ["a"], ["a", "b", "c"]].entries())
    ids.push(
      await forger.snapshot(tree, { time: `2024-01-0${nr + 1}T10:00:00Z`, hostname: `host${nr}`, tags, label: "kept" }),
    );
});

async function tagsNow(): Promise<readonly string[][]> {
  return (await listSnapshots(repository)).map(({ tags }) => [...tags]);
}

async function tag(change: TagRequest["change"], request: Partial<TagRequest> = {}): Promise<number> {
  return await tagSnapshots(repository, { change, lock: testLock, ...request });
}

test("tags are set, added and removed; the order of those that stay stays", async () => {
  expect(await tag({ add: ["b", "d", "b"], remove: [] })).toBe(3);
  expect(await tagsNow()).toEqual([
    ["b", "d"],
    ["a", "b", "d"],
    ["a", "b", "c", "d"],
  ]);
  expect(await tag({ add: ["e"], remove: ["b", "z"] })).toBe(3);
  expect(await tagsNow()).toEqual([
    ["d", "e"],
    ["a", "d", "e"],
    ["a", "c", "d", "e"],
  ]);
  expect(await tag({ set: ["x", "x"] })).toBe(3);
  expect(await tagsNow()).toEqual([["x"], ["x"], ["x"]]);
  expect(await tag({ set: [] })).toBe(3);
  expect(await tagsNow()).toEqual([[], [], []]);
});

test("only the snapshots that are named, or fit the filter, change; what is not there is passed over", async () => {
  expect(await tag({ set: ["x"] }, { filter: { hosts: ["host1"] } })).toBe(1);
  expect(await tag({ set: ["y"] }, { snapshotIds: [ids[2]!, parseObjectId("0".repeat(64))] })).toBe(1);
  expect(await tagsNow()).toEqual([[], ["x"], ["y"]]);
});

test("a snapshot whose tags don't change stays as it is, with its name", async () => {
  expect(await tag({ add: ["a"], remove: ["z"] }, { snapshotIds: [ids[1]!] })).toBe(0);
  expect(await tag({ set: ["a"] }, { snapshotIds: [ids[1]!] })).toBe(0);
  expect((await listSnapshots(repository)).map(({ id }) => id)).toEqual(ids);
});

test("a changed snapshot remembers what it was first, and keeps what SaveOS does not know", async () => {
  const changes: { oldId: ObjectId; newId: ObjectId }[] = [];
  const onChanged = (change: (typeof changes)[number]) => changes.push(change);
  await tag({ set: ["x"] }, { snapshotIds: [ids[0]!], onChanged });
  await tag({ set: ["y"] }, { snapshotIds: [changes[0]!.newId], onChanged });
  expect(changes.map(({ oldId }) => oldId)).toEqual([ids[0], changes[0]?.newId]);
  const [now] = await listSnapshots(repository);
  expect(now).toMatchObject({ id: changes[1]?.newId, original: ids[0], tags: ["y"], hostname: "host0" });
  const json = new TextDecoder().decode(await loadUnpacked(repository, "snapshots", now!.id));
  expect(JSON.parse(json)).toMatchObject({ label: "kept" });
});

test("a damaged snapshot stays, and is told of", async () => {
  const faults: Faults = { damages: [{ name: objectName("snapshots", ids[1]!), how: "flip" }] };
  const damaged = await reopened(repository, faultyStore(repository.store, faults));
  const unreadable: ObjectId[] = [];
  const request = { change: { set: ["x"] }, lock: testLock, onUnreadable: (id: ObjectId) => unreadable.push(id) };
  expect(await tagSnapshots(damaged, request)).toBe(2);
  expect(await tagSnapshots(damaged, { ...request, snapshotIds: [ids[1]!] })).toBe(0);
  expect(unreadable).toEqual([ids[1], ids[1]]);
  expect(await tagsNow()).toEqual([["x"], ["a"], ["x"]]);
});

test("the new one is durable before the old one goes, both under an exclusive lock", async () => {
  const calls: string[] = [];
  const delay = async (call: string, name: string) => {
    if (call === "put" || call === "delete") calls.push(`${call} ${name.split("/")[0]}`);
  };
  const store = faultyStore(repository.store, { delay });
  await tagSnapshots(await reopened(repository, store), {
    change: { set: ["x"] },
    snapshotIds: [ids[0]!],
    lock: testLock,
  });
  expect(calls).toEqual(["put locks", "put snapshots", "delete snapshots", "delete locks"]);

  await using _other = await lockRepository(repository, { ...testLock, exclusive: false });
  await expect(tag({ set: ["y"] })).rejects.toMatchObject({ code: "repository-locked" });
});

test("two that lock at the same moment: nothing is written before it is sure that there is no other", async () => {
  const { rivalled, settleSoon } = await racing();
  const { store } = rivalled;
  const get: typeof store.get = async (name, options) => {
    if (name.startsWith("snapshots/")) settleSoon();
    return await store.get(name, options);
  };
  const request = { change: { set: ["x"] }, snapshotIds: [ids[0]!], lock: testLock };
  await expect(tagSnapshots({ ...rivalled, store: { ...store, get } }, request)).rejects.toMatchObject({
    code: "repository-locked",
  });
  expect((await listSnapshots(repository)).map(({ id }) => id)).toEqual(ids);
});

/** The repository on a store where another locks at the same moment, which shows only once the test lets the new lock settle. */
async function racing(): Promise<{ rivalled: Repository; settleSoon: () => void }> {
  const settled = Promise.withResolvers<void>();
  const rivals = new Forger(repository);
  const rival = { time: "2023-11-14T22:13:20Z", exclusive: true, hostname: "beta", username: "eve", pid: 7 };
  const delay = async (call: string, name: string) => {
    if (call === "put" && name.startsWith("locks/")) await rivals.json("locks", rival);
  };
  const { clock } = repository;
  const opened = await reopened(repository, faultyStore(repository.store, { delay }));
  const sleep: typeof clock.sleep = async (ms, options) =>
    ms < 1000 ? await settled.promise : await clock.sleep(ms, options);
  // Two turns later: who does not wait for it has written by then.
  const settleSoon = () => void setImmediate(() => setImmediate(settled.resolve));
  return { rivalled: { ...opened, clock: { ...clock, sleep } }, settleSoon };
}

test.each([
  ["nothing to change", { add: [], remove: [] }, {}],
  ["no lock", { set: ["x"] }, { lock: { ...testLock, noLock: true } }],
])("%s: refused, with a hint", async (_, change, request) => {
  const refused = expect.objectContaining({ code: "invalid-input", hint: expect.stringMatching(/\.$/) });
  await expect(tag(change, request)).rejects.toEqual(refused);
  await expect(tag(change, request)).rejects.toBeInstanceOf(EngineError);
});
