import { heartbeatWaitMaxSeconds } from "@saveos/contract";
import type { Clock } from "@saveos/engine";
import { isAgentError } from "../errors/agent-error.ts";
import { messageOf } from "../errors/system-error.ts";
import { nowMs } from "../host/clock.ts";
import { backOffMs } from "./back-off.ts";
import type { Bell } from "./bell.ts";
import { CredentialRenewal, type CredentialRenewalDeps } from "./credential-renewal.ts";
import type { Inbox } from "./inbox.ts";
import type { Log } from "./log.ts";
import type { Outbox } from "./outbox.ts";
import type { ServerClock } from "./server-clock.ts";
import type { ServerLink } from "./server-link.ts";
import type { VaultKeeper } from "../vault/vault-keeper.ts";
import { Worker, type WorkerDeps } from "./worker.ts";

export interface DaemonDeps extends Omit<WorkerDeps, "reportsWait">, Omit<CredentialRenewalDeps, "link"> {
  readonly link: ServerLink;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly reportsWait: Bell;
  readonly serverClock: ServerClock;
  /** The zone of the machine's clock, asked before each heartbeat: a laptop travels. */
  readonly timeZone: () => Promise<string>;
  /** Keeps the password sealed to the vault, as the answers to heartbeats tell of it. */
  readonly vault: Pick<VaultKeeper, "version" | "heed">;
  /** Notes how a heartbeat went, for `saveos-agent status`: undefined if it was answered, else why it failed. */
  readonly note: (failure: string | undefined) => Promise<void>;
}

/** Who this is, for the server. */
export interface Identity {
  readonly hostname: string;
  readonly agentVersion: string;
  readonly machineId: string;
  /** New at every start of the daemon. */
  readonly sessionId: string;
}

/** At the end, how long the last reports may take: service managers kill what does not stop in some ten seconds. */
const farewellMs = 4_000;
/** The contract's limit. Jobs run in their order, so those beyond it come into the list in time. */
const runningJobsMax = 100;
/**
 * The server repeats orders of waiting jobs in every answer, at once: asked again no sooner than this, it is not a storm. Whoever cancels the running job
 * waits for this as well, and then for its end (`endingMaxMs`): five seconds at most.
 */
const repeatedOrdersPauseMs = 2_500;
/** A server that answers at once without an order is not asked in a tight loop, whatever it says. */
const earlyAnswerPauseMinMs = 1_000;
/** Errors that trying again soon can't mend count as so many failures, which is the longest wait. */
const patientFailures = 7;

/** Serves the server until `signal` aborts: heartbeats, orders, reports. Resolves when the running job has ended and what can be sent is sent. */
export async function runDaemon(deps: DaemonDeps, identity: Identity, signal: AbortSignal): Promise<void> {
  const worker = new Worker(deps);
  await Promise.all([worker.run(signal), beat(deps, worker, identity, signal), sendReports(deps, signal)]);
  await sendLastReports(deps);
}

/** Heartbeats, one after another: each waits at the server until there is an order or its time is up. */
async function beat(deps: DaemonDeps, worker: Worker, identity: Identity, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let lastSaid: string | undefined;
  const renewal = new CredentialRenewal(deps);
  // The first one is answered at once: then it is known that the line works, and what waits in the outbox can go.
  let waitSeconds = 0;
  while (!signal.aborted) {
    try {
      const pauseMs = await beatOnce(deps, { worker, renewal }, { ...identity, waitSeconds }, signal);
      waitSeconds = heartbeatWaitMaxSeconds;
      if (lastSaid !== undefined || failures > 0) deps.log.info("The server answers");
      failures = 0;
      lastSaid = undefined;
      if (pauseMs > 0) await deps.clock.sleep(pauseMs, { signal });
    } catch (error) {
      if (signal.aborted) return;
      failures = isAgentError(error, "server-unavailable") ? failures + 1 : Math.max(failures + 1, patientFailures);
      const message = messageOf(error);
      // The same trouble once, not every minute for a night.
      const trouble = isAgentError(error) ? error.code : message;
      if (trouble !== lastSaid) deps.log.warn(`${message}; trying again`);
      lastSaid = trouble;
      await deps.note(message);
      await sleepQuietly(deps.clock, backOffMs(failures, deps.random()), signal);
    }
  }
}

/** Resolves with the milliseconds until the next heartbeat. */
async function beatOnce(
  deps: DaemonDeps,
  { worker, renewal }: { readonly worker: Worker; readonly renewal: CredentialRenewal },
  identity: Identity & { readonly waitSeconds: number },
  signal: AbortSignal,
): Promise<number> {
  const { link, inbox, clock, note, reportsWait, serverClock, timeZone, vault } = deps;
  const askedMs = nowMs(clock);
  const answer = await link.heartbeat(
    {
      hostname: identity.hostname,
      agent_version: identity.agentVersion,
      machine_id: identity.machineId,
      session_id: identity.sessionId,
      time_zone: await timeZone(),
      running_jobs: inbox.present.slice(0, runningJobsMax),
      wait_seconds: identity.waitSeconds,
      vault_version: vault.version,
    },
    { signal },
  );
  reportsWait.ring();
  serverClock.note(answer.server_time);
  const wanted = answer.orders.filter(({ job_id: jobId }) => !answer.cancel_jobs.includes(jobId));
  for (const jobId of answer.cancel_jobs) worker.cancel(jobId);
  const news = wanted.filter((order) => worker.accept(order)).length;
  await note(undefined);
  if (answer.rotate_credential) await renewal.renew(signal);
  await vault.heed(answer.vault, signal);
  if (answer.orders.length > 0 || answer.cancel_jobs.length > 0) return news > 0 ? 0 : repeatedOrdersPauseMs;
  // Held to the end, the waiting was done at the server. One that answers early, such as when it is about to stop, is given a moment.
  const wasHeld = nowMs(clock) - askedMs >= (identity.waitSeconds - 1) * 1000;
  return wasHeld
    ? 0
    : Math.min(Math.max(earlyAnswerPauseMinMs, answer.next_heartbeat_seconds * 1000), repeatedOrdersPauseMs);
}

/** Sends reports as they come. What can't be sent stays in the outbox until the next heartbeat that works rings the bell. */
async function sendReports({ link, outbox, reportsWait, log }: DaemonDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await reportsWait.wait(signal);
    try {
      await outbox.send(link, { signal, onRefused: (report, error) => log.warn(refusedText(report.job_id, error)) });
    } catch (error) {
      // The heartbeats say what is wrong with the line; anything else is worth a line of its own.
      if (!signal.aborted && !isAgentError(error)) log.warn(`Could not send reports: ${messageOf(error)}`);
    }
  }
}

async function sendLastReports({ link, outbox, clock, log }: DaemonDeps): Promise<void> {
  const patience = new AbortController();
  const giveUp = clock.sleep(farewellMs, { signal: patience.signal }).then(
    () => patience.abort(),
    () => undefined,
  );
  try {
    await outbox.send(link, {
      signal: patience.signal,
      onRefused: (report, error) => log.warn(refusedText(report.job_id, error)),
    });
  } catch {
    log.info(`${outbox.waiting.length} reports wait for the next start`);
  } finally {
    patience.abort();
    await giveUp;
  }
}

function refusedText(jobId: string, error: unknown): string {
  return `The server refused a report of job ${jobId}: ${messageOf(error)}`;
}

async function sleepQuietly(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
