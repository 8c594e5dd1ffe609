import { EngineError, listSnapshots } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { testLock } from "@saveos/engine/testing";
import { restoreTo } from "../support/engine.ts";
import { findings, openQuickly } from "../support/quick-engine.ts";

/** What the program prints at its end, as JSON. */
export interface Measured {
  /** Operations that ended with a clear error. */
  readonly failures: number;
  /** What a check and the restores that went through reported. */
  readonly problems: number;
  /** Errors that no person understands. */
  readonly unclear: readonly string[];
  /** The most memory that the process ever had, in MiB. */
  readonly peakMib: number;
}

/** A program that checks a repository and restores all of it, and tells how much memory that took. */
const [path = "", target = ""] = process.argv.slice(2);
const repository = await openQuickly(folderStore(path));
const unclear: string[] = [];
let failures = 0;
let problems = 0;

await attempt(async () => (problems += (await findings(repository)).length));
const snapshots = await listSnapshots(repository, {}, { onUnreadable: () => (problems += 1) });
for (const { id } of snapshots)
  await attempt(async () => {
    const result = await restoreTo(repository, `${target}/${id}`, { snapshot: id, lock: testLock });
    problems += result.problems;
  });
await attempt(async () => await listSnapshots(repository));
const measured: Measured = { failures, problems, unclear, peakMib: process.resourceUsage().maxRSS / 1024 };
console.log(JSON.stringify(measured));

async function attempt(operation: () => Promise<unknown>): Promise<void> {
  try {
    await operation();
  } catch (error) {
    if (error instanceof EngineError) failures += 1;
    else unclear.push(String(error));
  }
}
