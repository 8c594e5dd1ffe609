import { initRepository } from "../../operations/init.ts";
import { openRepository } from "../../repository/open-repository.ts";
import type { LockOptions } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";
import { memoryStore } from "../../store/memory-store.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { autoClock } from "./auto-clock.ts";
import { quickCompute } from "./quick-compute.ts";

export const testPassword = "geheim";

/** A process that locks in tests. */
export const testLock: LockOptions = { hostname: "alpha", username: "ada", pid: 100 };

/** A new repository, in memory unless a store is given, whose key costs nothing to derive and whose clock waits for nobody. */
export async function newTestRepository(store: ObjectStore = memoryStore()): Promise<Repository> {
  const deps = { store, compute: quickCompute, clock: autoClock() };
  return await initRepository(deps, { password: testPassword, hostname: "alpha", username: "ada" });
}

/** The same repository, opened again as another process would. */
export async function reopened(repository: Repository, store: ObjectStore = repository.store): Promise<Repository> {
  const { compute, clock } = repository;
  return await openRepository({ store, compute, clock }, { password: testPassword });
}
