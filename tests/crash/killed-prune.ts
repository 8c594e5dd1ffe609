import { hostname } from "node:os";
import { type ObjectStore, openRepository } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { testPassword } from "@saveos/engine/testing";
import { quickDeps } from "../support/quick-engine.ts";
import { pruneAll } from "./prune-world.ts";

/** What `killed-prune.test.ts` asks for, as JSON in the first argument. */
export interface KilledPrune {
  readonly store: string;
  /** The process dies at this write or deletion, counted from 1. */
  readonly nth: number;
  readonly when: "before" | "after";
}

/** A program that prunes and kills itself with SIGKILL on the way: nothing of it gets the chance to clean up. */
const wish = JSON.parse(process.argv[2] ?? "") as KilledPrune;
const repository = await openRepository(quickDeps(dyingStore(folderStore(wish.store))), { password: testPassword });
await pruneAll(repository, { lock: { hostname: hostname(), username: "ada", pid: process.pid } });

function dyingStore(inner: ObjectStore): ObjectStore {
  let calls = 0;
  const dieAround = async (effect: () => Promise<void>) => {
    const isLast = ++calls === wish.nth;
    if (isLast && wish.when === "before") process.kill(process.pid, "SIGKILL");
    await effect();
    if (isLast) process.kill(process.pid, "SIGKILL");
  };
  return {
    ...inner,
    put: async (name, bytes, options) => await dieAround(() => inner.put(name, bytes, options)),
    delete: async (name, options) => await dieAround(() => inner.delete(name, options)),
  };
}
