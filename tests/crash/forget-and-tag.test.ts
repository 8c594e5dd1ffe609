import { beforeAll, describe, expect, test } from "vitest";
import {
  findSnapshot,
  forget,
  listSnapshots,
  type ObjectName,
  type ObjectStore,
  openRepository,
  type Repository,
  tagSnapshots,
} from "@saveos/engine";
import {
  backUp,
  type Faults,
  faultyStore,
  memorySource,
  type StoreCall,
  testLock,
  testPassword,
} from "@saveos/engine/testing";
import { clearOutcome } from "../support/clear-outcome.ts";
import {
  errorsFound,
  newQuickRepository,
  objectsOf,
  openQuickly,
  quickDeps,
  type Restored,
  restoredWhole,
  storeOf,
  unlockDead,
} from "../support/quick-engine.ts";

/** Oldest first. */
let snapshots: readonly { readonly id: string; readonly files: Restored }[];
let objects: ReadonlyMap<ObjectName, Uint8Array>;

const keptCount = 2;

beforeAll(async () => {
  const repository = await newQuickRepository();
  const source = memorySource({ home: { "notes.txt": "first", same: { a: "same" } } });
  const made: { id: string; files: Restored }[] = [];
  for (let day = 1; day <= 6; day++) {
    source.put("/home/notes.txt", `written on day ${day}`);
    const timeNs = BigInt(Date.UTC(2024, 0, day)) * 1_000_000n;
    const { snapshotId } = await backUp(repository, source, { timeNs });
    const id = snapshotId ?? expect.unreachable("a backup makes a snapshot");
    made.push({ id, files: await restoredWhole(repository, id) });
  }
  snapshots = made;
  objects = await objectsOf(repository.store);
});

const waysToFail: [string, (n: number) => Faults][] = [
  ["is gone after the n-th write", (n) => ({ failAfterWrites: n - 1 })],
  ["takes no more writes after the n-th", (n) => ({ failAfterPuts: n - 1 })],
  ...(["put", "delete", "get", "list"] as const).flatMap((call: StoreCall): [string, (n: number) => Faults][] => [
    [`refuses the n-th ${call}`, (n) => ({ failures: [{ call, nth: n }] })],
    [`loses the answer to the n-th ${call}`, (n) => ({ failures: [{ call, nth: n, when: "after" }] })],
    [`refuses every ${call} from the n-th on`, (n) => ({ failures: [{ call, nth: n, times: Infinity }] })],
  ]),
];

/** None of the operations here makes more calls of one kind. */
const callsMax = 60;

/** Runs `work` over a store that fails at the first call, then at the second, and so on, until nothing fails any more. */
async function failEverywhere(
  faultsAt: (n: number) => Faults,
  work: (repository: Repository) => Promise<unknown>,
  look: (store: ObjectStore, n: number) => Promise<void>,
): Promise<void> {
  for (let n = 1; n <= callsMax; n++) {
    const store = await storeOf(objects);
    let failed = 0;
    const faults = faultsAt(n);
    const faulty = faultyStore(store, faults);
    const outcome = await clearOutcome(async () => {
      const repository = await openRepository(quickDeps(faulty), { password: testPassword });
      return await work(repository);
    });
    if ("error" in outcome) expect(outcome.error.code).toBe("store-unavailable");
    const { put, delete: deleted } = faulty.calls;
    if (faults.failAfterWrites !== undefined) failed = put + deleted - faults.failAfterWrites;
    else if (faults.failAfterPuts !== undefined) failed = put - faults.failAfterPuts;
    else for (const { call, nth } of faults.failures ?? []) failed = faulty.calls[call] - nth + 1;
    await look(store, n);
    if (failed <= 0) {
      expect(n).toBeGreaterThan(1);
      return;
    }
  }
  expect.unreachable(`no operation makes more than ${callsMax} calls`);
}

describe("forget over a store that fails", () => {
  const work = async (repository: Repository) =>
    await forget(repository, {
      policy: { last: keptCount },
      groupBy: { host: true, paths: true, tags: false },
      lock: testLock,
    });

  test.each(waysToFail)(
    "that %s keeps all that it should keep, for every n, and the next one goes on",
    async (_, faultsAt) => {
      await failEverywhere(faultsAt, work, async (store) => {
        const repository = await openQuickly(store);
        await unlockDead(repository);
        for (const { id, files } of snapshots.slice(-keptCount))
          expect(await restoredWhole(repository, id)).toEqual(files);
        for (const { id } of await listSnapshots(repository)) expect(snapshots.map((one) => one.id)).toContain(id);
        expect(await errorsFound(repository)).toEqual([]);
        await work(repository);
        expect((await listSnapshots(repository)).map(({ id }) => id)).toEqual(
          snapshots.slice(-keptCount).map(({ id }) => id),
        );
        expect(await errorsFound(repository)).toEqual([]);
      });
    },
  );
});

describe("tag over a store that fails", () => {
  const work = async (repository: Repository) =>
    await tagSnapshots(repository, { change: { add: ["x"], remove: [] }, lock: testLock });

  test.each(waysToFail)("that %s loses no snapshot, for every n, and the next one goes on", async (_, faultsAt) => {
    await failEverywhere(faultsAt, work, async (store) => {
      const repository = await openQuickly(store);
      await unlockDead(repository);
      await expectAllThere(repository);
      await work(repository);
      expect((await listSnapshots(repository)).every(({ tags }) => tags.includes("x"))).toBe(true);
      await expectAllThere(repository);
      expect(await errorsFound(repository)).toEqual([]);
    });
  });

  /** As it was, or changed, or both. */
  async function expectAllThere(repository: Repository): Promise<void> {
    const now = await listSnapshots(repository);
    for (const { id, files } of snapshots) {
      const [one] = now.filter((snapshot) => snapshot.id === id || snapshot.original === id);
      const { snapshot } = await findSnapshot(repository, one?.id ?? expect.unreachable(`snapshot ${id} is lost`));
      expect(await restoredWhole(repository, snapshot.id)).toEqual(files);
    }
  }
});
