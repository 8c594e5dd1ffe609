import { expect, test } from "vitest";
import { EngineError, type EngineErrorCode } from "../errors/engine-error.ts";
import { parseObjectId } from "../format/ids.ts";
import { autoClock } from "../platform/testing/auto-clock.ts";
import { type Failure, faultyStore } from "../platform/testing/faulty-store.ts";
import { objectStoreSuite } from "../platform/testing/object-store-suite.ts";
import { hashedName } from "./layout.ts";
import { memoryStore } from "./memory-store.ts";
import type { LocalFiles, ObjectStore } from "./object-store.ts";
import { type Retry, type RetryOptions, withRetry } from "./with-retry.ts";

objectStoreSuite("a store with retry", async () => ({
  store: withRetry(memoryStore(), { clock: autoClock() }),
  [Symbol.asyncDispose]: async () => undefined,
}));

objectStoreSuite("a store with retry over one whose first call of every kind fails", async () => {
  const failures = (["create", "put", "get", "size", "list", "delete"] as const).map((call) => ({ call, nth: 1 }));
  return {
    store: withRetry(faultyStore(memoryStore(), { failures }), { clock: autoClock() }),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

const pack = hashedName("data", parseObjectId("ab".repeat(32)));

test("what lies in a file is tried again as well", async () => {
  let tries = 0;
  const localFiles: LocalFiles = {
    pathOf: (name) => `/srv/${name}`,
    draftFolder: "/srv/data",
    put: async () => {
      if (++tries < 3) throw new EngineError("store-unavailable", "not now");
    },
    close: () => undefined,
  };
  const store = withRetry({ ...memoryStore(), localFiles }, { clock: autoClock() });
  await store.localFiles?.put(pack, { descriptor: 9, sizeBytes: 1 });
  expect(tries).toBe(3);
});

test("waits grow from a second, twice as long each time, up to a minute", async () => {
  const { store, retries } = retrying({ call: "get", nth: 1, times: 9 }, { random: () => 0.5 });
  await store.put(pack, bytesOf("a pack"));
  expect(await store.get(pack)).toEqual(bytesOf("a pack"));
  expect(retries.map(({ delayMs }) => delayMs / 1000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  expect(retries[0]).toMatchObject({ call: `get ${pack}`, failures: 1, error: { code: "store-unavailable" } });
});

test("waits are up to half shorter or longer, so that many clients don't come back at once", async () => {
  const delays = [];
  for (const random of [0, 0.999_999]) {
    const { store, retries } = retrying({ call: "create", nth: 1 }, { random: () => random });
    await store.create();
    delays.push(...retries.map(({ delayMs }) => delayMs));
  }
  expect(delays).toEqual([500, 1500]);
});

test("without a number of attempts it gives up after 15 minutes, with the last error", async () => {
  const clock = autoClock();
  const startedNs = clock.nowNs();
  const { store } = retrying({ call: "get", nth: 1, times: 1000 }, { clock });
  await expect(store.get(pack)).rejects.toMatchObject({ code: "store-unavailable" });
  const minutes = Number(clock.nowNs() - startedNs) / 60e9;
  expect(minutes).toBeGreaterThan(13);
  expect(minutes).toBeLessThanOrEqual(15);
});

test("when the store is closed, no call is tried again, and one that waits to be ends", async () => {
  const closing = new AbortController();
  const unavailable = { failures: [{ call: "get", nth: 1, times: Infinity } as const] };
  const closedWhileWaiting = withRetry(faultyStore(memoryStore(), unavailable), {
    clock: autoClock(),
    closed: closing.signal,
    onRetry: () => closing.abort(new EngineError("store-unavailable", "closed")),
  });
  await expect(closedWhileWaiting.get(pack)).rejects.toThrow("closed");
  const failing = faultyStore(memoryStore(), unavailable);
  const closedBefore = withRetry(failing, { clock: autoClock(), closed: closing.signal });
  await expect(closedBefore.get(pack)).rejects.toThrow("planned failure");
  expect(failing.calls.get).toBe(1);
});

test("one call that takes longer than that is still tried once more", async () => {
  const clock = autoClock();
  const store = faultyStore(memoryStore(), {
    failures: [{ call: "put", nth: 1 }],
    delay: (call) => (call === "put" ? fourMinutes(clock, 5) : undefined),
  });
  await withRetry(store, { clock }).put(pack, bytesOf("a pack"));
  expect(store.calls.put).toBe(2);
});

test("with a number of attempts it makes so many", async () => {
  const { store, faulty } = retrying({ call: "size", nth: 1, times: 1000 }, { attempts: 3 });
  await expect(store.size(pack)).rejects.toMatchObject({ code: "store-unavailable" });
  expect(faulty.calls.size).toBe(3);
});

test.each<EngineErrorCode>(["not-found", "store-denied", "store-full", "already-exists", "unsupported"])(
  "%s is final",
  async (code) => {
    const { store, faulty } = retrying({ call: "get", nth: 1, error: new EngineError(code, "no") });
    await expect(store.get(pack)).rejects.toMatchObject({ code });
    expect(faulty.calls.get).toBe(1);
  },
);

test("an error that is not of the engine is a bug, and final", async () => {
  const bug = new TypeError("a bug");
  const store: ObjectStore = { ...memoryStore(), get: () => Promise.reject(bug) };
  await expect(withRetry(store, { clock: autoClock() }).get(pack)).rejects.toBe(bug);
});

test.each(["get", "put"] as const)("a damaged %s is tried once more, and no more", async (call) => {
  const error = new EngineError("corrupt-data", "damaged");
  const once = retrying({ call, nth: 1, error });
  await once.store.put(pack, bytesOf("a pack"));
  await once.store.get(pack);
  expect(once.faulty.calls[call]).toBe(2);
  const always = retrying({ call, nth: 1, times: 1000, error });
  const calls = { get: () => always.store.get(pack), put: () => always.store.put(pack, bytesOf("a pack")) };
  await expect(calls[call]()).rejects.toBe(error);
  expect(always.faulty.calls[call]).toBe(2);
});

test("an upload whose answer was lost succeeds the second time, config too", async () => {
  const { store, faulty } = retrying({ call: "put", nth: 1, when: "after" });
  await store.put("config", bytesOf("config"));
  expect(faulty.calls.put).toBe(2);
});

test("a listing that breaks in the middle goes on, and gives each object once", async () => {
  const inner = memoryStore();
  for (const byte of ["0a", "0b", "0c", "0d"]) {
    await inner.put(hashedName("index", parseObjectId(byte.repeat(32))), bytesOf(byte));
  }
  let listings = 0;
  const breaking: ObjectStore = {
    ...inner,
    async *list(kind, options) {
      let given = 0;
      const breaksAfter = ++listings === 1 ? 2 : Infinity;
      for await (const object of inner.list(kind, options)) {
        if (given++ >= breaksAfter) throw new EngineError("store-unavailable", "reset");
        yield object;
      }
    },
  };
  const ids = [];
  for await (const { id } of withRetry(breaking, { clock: autoClock() }).list("index")) ids.push(id.slice(0, 2));
  expect(ids).toEqual(["0a", "0b", "0c", "0d"]);
  expect(listings).toBe(2);
});

test("an abort while it waits ends the wait with the caller's reason", async () => {
  const controller = new AbortController();
  const { store } = retrying(
    { call: "get", nth: 1, times: 1000 },
    { onRetry: ({ failures }) => failures === 3 && controller.abort("enough") },
  );
  await expect(store.get(pack, { signal: controller.signal })).rejects.toBe("enough");
});

function retrying(failure: Failure, options: Partial<RetryOptions> = {}) {
  const retries: Retry[] = [];
  const faulty = faultyStore(memoryStore(), { failures: [failure] });
  const store = withRetry(faulty, { clock: autoClock(), onRetry: (retry) => void retries.push(retry), ...options });
  return { store, faulty, retries };
}

/** Sleeps in steps: the test clock takes longer ones for background work. */
async function fourMinutes(clock: ReturnType<typeof autoClock>, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await clock.sleep(4 * 60_000);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
