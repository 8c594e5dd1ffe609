import { type HeartbeatRequest, type HeartbeatResponse, heartbeatWaitMaxSeconds, problemType } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { AgentCaller } from "../../access/caller.ts";
import type { AgentLink } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import type { Queue } from "../../queue/queue.ts";
import { markDelivered, ordersForAgent, type OrdersForAgent, renewLeases } from "../jobs/index.ts";
import { vaultForAgent } from "../vault/index.ts";
import { enterSession, type Entry } from "./enter-session.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly link: AgentLink;
  readonly queue: Pick<Queue, "enqueue">;
  readonly onIdentityConflict: (agentId: string) => void;
}

const nothingToDo: OrdersForAgent = { orders: [], cancelJobs: [], isUrgent: false };

/** Stopping a job takes an agent a moment; until then each of its heartbeats would be answered at once. */
const cancelPauseSeconds = 5;

/** A credential that is used for longer is changed for a new one: what leaks, such as with an old disk, opens the server for a while only. */
export const credentialLivesMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Answers a heartbeat as soon as there is an order for the agent or news of its vault, and at the latest when its wait is over. No connection to the database is held while it
 * waits, and a wait that nothing ended asks it nothing. `signal` aborts when the agent hangs up.
 */
export async function answerHeartbeat(
  deps: Deps,
  caller: AgentCaller,
  heartbeat: HeartbeatRequest,
  signal: AbortSignal,
): Promise<HeartbeatResponse> {
  const { agentId } = caller;
  const asking = { agentId, sessionId: heartbeat.session_id, runningJobs: heartbeat.running_jobs };
  const startedAt = performance.now();
  const waitedMs = () => performance.now() - startedAt;
  using wait = deps.link.listen(agentId);
  for (;;) {
    const entry = await enterSession(deps, caller, heartbeat);
    requireEntry(deps, agentId, entry);
    await renewLeases(deps, asking);
    const isIdle = !entry.hasOrders && heartbeat.running_jobs.length === 0;
    const found = isIdle ? nothingToDo : await ordersForAgent(deps, asking);
    const hasVaultNews = heartbeat.vault_version !== undefined && heartbeat.vault_version !== entry.vaultVersion;
    const remainingMs = heartbeat.wait_seconds * 1000 - waitedMs();
    const isTimeUp = found.isUrgent || hasVaultNews || remainingMs <= 0 || signal.aborted || deps.link.isClosed;
    // Orders that were given before are repeated once the wait is over.
    const isWoken = !isTimeUp && (await wait.wait(remainingMs, signal)) && !deps.link.isClosed;
    if (isWoken) continue;
    if (!signal.aborted) await markDelivered(deps, asking, found.orders);
    const answer = respond(deps, caller, found, waitedMs() / 1000);
    return hasVaultNews ? { ...answer, vault: await vaultForAgent(deps.database) } : answer;
  }
}

function respond(
  { clock }: Deps,
  { credentialCreatedAt }: AgentCaller,
  { orders, cancelJobs }: OrdersForAgent,
  waitedSeconds: number,
): HeartbeatResponse {
  const untilDue = Math.max(0, Math.round(heartbeatWaitMaxSeconds - waitedSeconds));
  return {
    server_time: clock.now().toISOString(),
    orders,
    cancel_jobs: cancelJobs,
    next_heartbeat_seconds: cancelJobs.length > 0 ? Math.min(untilDue, cancelPauseSeconds) : untilDue,
    rotate_credential: clock.now().getTime() - credentialCreatedAt.getTime() >= credentialLivesMs,
  };
}

function requireEntry(
  { onIdentityConflict }: Deps,
  agentId: string,
  entry: Entry,
): asserts entry is Extract<Entry, { entered: true }> {
  if (entry.entered) return;
  if (entry.conflict === "revoked") throw new ProblemError(401, "This agent's credential was revoked.");
  onIdentityConflict(agentId);
  const detail = {
    machine: "This credential belongs to another machine. Enrol this one with a token of its own.",
    session:
      "Another machine, or another copy of the agent, uses this credential at the same time. Stop one of them, or enrol it anew.",
  };
  throw new ProblemError(409, detail[entry.conflict], { type: problemType.identityConflict });
}
