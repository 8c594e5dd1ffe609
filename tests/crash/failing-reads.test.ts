import { beforeAll, describe, expect, test } from "vitest";
import { changePassword, check, type Clock, type ObjectStore, openRepository, type Repository } from "@saveos/engine";
import { autoClock, faultyStore, type StoreCall, testLock, testPassword } from "@saveos/engine/testing";
import { clearOutcome } from "../support/clear-outcome.ts";
import {
  objectsOf,
  openQuickly,
  quickDeps,
  restored,
  restoredWhole,
  storeOf,
  unlockDead,
} from "../support/quick-engine.ts";
import { type CrashWorld, crashWorld } from "./crash-world.ts";

let world: CrashWorld;
beforeAll(async () => (world = await crashWorld()));

/** No operation on this world makes so many calls of one kind. */
const callsMax = 150;

describe("reading from a store that fails", () => {
  const calls = ["get", "list", "delete", "size", "put"] as const;

  test.each(calls)(
    "a restore ends with a clear error or brings everything, when the store fails at any %s",
    async (call) => {
      const { id, files } = world.older[1] ?? expect.unreachable();
      await failAtEveryCall(call, async (repository) => {
        const { files: found, problems } = await restored(repository, id);
        if (problems.length === 0) expect(found).toEqual(files);
      });
    },
  );

  test.each(calls)(
    "a check ends with a clear error or finds nothing wrong, when the store fails at any %s",
    async (call) => {
      await failAtEveryCall(call, async (repository) => {
        expect(await check(repository, { lock: testLock, readData: "all" })).toMatchObject({ errors: 0 });
      });
    },
  );

  test.each(calls)(
    "a password change leaves one password that opens everything, when the store fails at any %s",
    async (call) => {
      const request = { password: "new", hostname: "alpha", username: "ada", lock: testLock };
      await failAtEveryCall(
        call,
        async (repository) => void (await changePassword(repository, request)),
        async (store, outcome) => {
          const withNew = await clearOutcome(() => openQuickly(store, "new"));
          const withOld = await clearOutcome(() => openQuickly(store));
          if (outcome === "completed") expect("value" in withNew).toBe(true);
          const opened = "value" in withNew ? withNew : withOld;
          const repository = "value" in opened ? opened.value : expect.unreachable("no password opens the repository");
          await unlockDead(repository);
          for (const { id, files } of world.older) expect(await restoredWhole(repository, id)).toEqual(files);
        },
      );
    },
  );

  /** Runs an operation over stores that fail at the first call of a kind, at the second, and so on, until it comes through. */
  async function failAtEveryCall(
    call: StoreCall,
    operation: (repository: Repository) => Promise<void>,
    prove: (store: ObjectStore, outcome: "failed" | "completed") => Promise<void> = async (store) => {
      const repository = await openQuickly(store);
      await unlockDead(repository);
      expect([...(await objectsOf(store)).keys()].toSorted()).toEqual([...world.objects.keys()].toSorted());
    },
  ): Promise<void> {
    for (let n = 1; n <= callsMax; n += 1) {
      const store = await storeOf(world.objects);
      const faulty = faultyStore(store, { failures: [{ call, nth: n }] });
      const outcome = await clearOutcome(async () => {
        await operation(await openRepository(quickDeps(faulty, slowClock()), { password: testPassword }));
      });
      if ("error" in outcome) expect(outcome.error.code).toBe("store-unavailable");
      await prove(store, "error" in outcome ? "failed" : "completed");
      if (faulty.calls[call] < n) return;
    }
    expect.unreachable(`an operation makes fewer than ${callsMax} calls`);
  }
});

/** A clock on which each look takes a second, so that calibrating a new key settles for the cheapest. */
function slowClock(): Clock {
  const clock = autoClock(BigInt(Date.now()) * 1_000_000n);
  let looks = 0n;
  return { ...clock, nowNs: () => clock.nowNs() + 1_000_000_000n * looks++ };
}
