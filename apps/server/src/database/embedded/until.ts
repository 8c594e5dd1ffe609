import { setTimeout as delay } from "node:timers/promises";

/** How often another process is looked at: too short for a person to notice, too long to keep a core busy. */
const pollMs = 10;

/** Waits until `condition` holds and tells whether it did within `timeoutMs`. For what another process does and can't tell us. */
export async function until(condition: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
}
