import { open } from "node:fs/promises";
import { hostname } from "node:os";
import type { ObjectStore } from "@saveos/engine";
import { openRepository } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { autoClock, testPassword } from "@saveos/engine/testing";
import { backUp } from "../support/engine.ts";
import { quickDeps } from "../support/quick-engine.ts";

/** What `killed-process.test.ts` asks for, as JSON in the first argument. */
export interface KilledBackup {
  readonly store: string;
  readonly source: string;
  readonly packSizeBytes: number;
  /** The process dies at this write to the store, counted from 1. */
  readonly nth: number;
  /** Before it begins, with half of the bytes in the temporary file, or when it is done. */
  readonly when: "before" | "half-way" | "after";
}

/** A program that backs up a folder and kills itself with SIGKILL on the way: nothing of it gets the chance to clean up. */
const wish = JSON.parse(process.argv[2] ?? "") as KilledBackup;
const store = dyingStore(folderStore(wish.store));
const repository = await openRepository(quickDeps(store, slowPacksClock()), { password: testPassword });
await backUp(repository, [wish.source], {
  packSizeBytes: wish.packSizeBytes,
  lock: { hostname: hostname(), username: "ada", pid: process.pid },
});

function dyingStore(inner: ObjectStore): ObjectStore {
  let writes = 0;
  return {
    ...inner,
    put: async (name, bytes, options) => {
      const isLast = ++writes === wish.nth;
      if (isLast && wish.when === "before") die();
      if (isLast && wish.when === "half-way") await dieWhileWriting();
      await inner.put(name, bytes, options);
      if (isLast) die();
    },
  };
}

/** From now on any file that is written gets half of its bytes, and then there is no process any more. */
async function dieWhileWriting(): Promise<void> {
  const any = await open(process.execPath);
  const fileHandle = Object.getPrototypeOf(any) as { writeFile: (this: unknown, bytes: Uint8Array) => Promise<void> };
  await any.close();
  const writeWhole = fileHandle.writeFile;
  fileHandle.writeFile = async function (bytes) {
    await writeWhole.call(this, bytes.subarray(0, bytes.length >> 1));
    die();
  };
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

/** A minute passes with each pack or so, so that several index files are written. */
function slowPacksClock() {
  const clock = autoClock(BigInt(Date.now()) * 1_000_000n);
  let looks = 0n;
  return { ...clock, nowNs: () => clock.nowNs() + 15_000_000_000n * looks++ };
}
