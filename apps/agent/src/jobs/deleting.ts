import { AgentError } from "../errors/agent-error.ts";
import type { OrderDeps } from "./order-deps.ts";

/** Deciding what is old, and which lock is stale, goes by the clock. Half a day off is a wrong zone, years off an empty battery; a minute is ordinary. */
const clockDifferenceMaxMs = 60 * 60_000;

/** Refuses to delete anything while the machine's clock and the server's tell different times. */
export function requireGoodClock({ serverAheadMs }: Pick<OrderDeps, "serverAheadMs">): void {
  const aheadMs = serverAheadMs() ?? 0;
  if (Math.abs(aheadMs) <= clockDifferenceMaxMs) return;
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  const which = aheadMs > 0 ? "behind" : "ahead of";
  throw new AgentError(
    "clock-off",
    `The machine's clock is ${minutes} minutes ${which} the server's: nothing is deleted while the two don't agree`,
  );
}

/** Where the store lets a deletion not happen, that was the server's decision, and trying again changes nothing. */
export async function asRefusedDeletion<T>(work: () => Promise<T>): Promise<T> {
  const { isEngineError } = await import("@saveos/engine");
  try {
    return await work();
  } catch (error) {
    if (!isEngineError(error, "store-denied")) throw error;
    throw refusedDeletion(error);
  }
}

export function refusedDeletion(cause: Error): AgentError {
  return new AgentError(
    "deletion-refused",
    "The server let the job delete nothing, or nothing more: its log and the grants of the repository say why",
    { cause },
  );
}
