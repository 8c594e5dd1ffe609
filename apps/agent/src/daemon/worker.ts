import type { Order } from "@saveos/contract";
import type { Clock } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { nowText } from "../host/clock.ts";
import { endOfAborted, type JobEnd, type JobRun } from "../jobs/job-end.ts";
import { Bell } from "./bell.ts";
import type { Inbox } from "./inbox.ts";
import { JobReporter } from "./job-reporter.ts";
import type { Log } from "./log.ts";
import type { Outbox } from "./outbox.ts";

export interface WorkerDeps {
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  /** Rung when a report waits to be sent. */
  readonly reportsWait: Bell;
  /** Does what an order says. Never rejects for what goes wrong in the job: that is how the job ends. */
  readonly runOrder: (order: Order, run: JobRun) => Promise<JobEnd>;
}

/** Removing a lock takes a moment. What takes longer goes on after the job is reported. */
const endingMaxMs = 2_000;
/** Hooks after a backup that was cancelled take their time: they start again what was stopped for it. */
const puttingAwayMaxMs = 60 * 60_000;

/** Runs orders, one at a time, and reports on them. */
export class Worker {
  readonly #deps: WorkerDeps;
  readonly #ordersWait = new Bell();
  #current: { readonly jobId: string; readonly cancellation: AbortController } | undefined;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
  }

  /** Takes an order in; one that is known already changes nothing. Tells whether it was new. */
  accept(order: Order): boolean {
    const isNew = this.#deps.inbox.accept(order);
    if (isNew) this.#ordersWait.ring();
    return isNew;
  }

  /** Ends a job that the server gave up: before it began, or in the middle. */
  cancel(jobId: string): void {
    this.#deps.inbox.withdraw(jobId);
    if (this.#current?.jobId === jobId)
      this.#current.cancellation.abort(new AgentError("cancelled", "The server cancelled the job."));
  }

  /** Resolves when `signal` aborts and the running job has ended and is reported. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#reportCutOff();
    while (!signal.aborted) {
      const order = await this.#deps.inbox.begin();
      if (order === undefined) await this.#ordersWait.wait(signal);
      else await this.#runOne(order, signal);
    }
  }

  /** Jobs that an earlier run of the daemon began and did not end: it was killed, or the machine was. */
  async #reportCutOff(): Promise<void> {
    const { inbox, outbox, clock, reportsWait } = this.#deps;
    for (const jobId of inbox.running) {
      const isReported = outbox.waiting.some((report) => report.kind === "finished" && report.job_id === jobId);
      if (!isReported) {
        const reason = "The agent stopped in the middle of it and was started again";
        await outbox.add({
          kind: "finished",
          job_id: jobId,
          at: nowText(clock),
          outcome: "failed",
          error: "agent-stopped",
          reason,
        });
      }
      await inbox.end(jobId);
    }
    reportsWait.ring();
  }

  async #runOne(order: Order, signal: AbortSignal): Promise<void> {
    const { inbox, outbox, clock, log, reportsWait, runOrder } = this.#deps;
    const { job_id: jobId, kind } = order;
    const cancellation = new AbortController();
    this.#current = { jobId, cancellation };
    await using reporter = new JobReporter(this.#deps, jobId);
    reporter.say("info", `The ${kind} begins`, `Job ${jobId} (${kind}) begins`);
    await outbox.add({ kind: "started", job_id: jobId, at: nowText(clock) });
    reportsWait.ring();

    const ending = AbortSignal.any([signal, cancellation.signal]);
    const work = runOrder(order, { signal: ending, onProgress: reporter.progress, say: reporter.say });
    const end = await this.#endInTime(work, ending);
    const isFine = end.outcome === "completed";
    const result = `${end.outcome}${end.reason === undefined ? "" : `: ${end.reason}`}`;
    reporter.note(isFine ? "info" : end.outcome === "failed" ? "error" : "warning", `The ${kind} ended ${result}`);
    await reporter.close();

    // The report first: if the process dies between the two, the restart finds the report and does not say "cut off".
    await outbox.add({ kind: "finished", job_id: jobId, at: nowText(clock), ...end });
    await inbox.end(jobId);
    this.#current = undefined;
    reportsWait.ring();
    (isFine ? log.info : log.warn)(`Job ${jobId} ${result}`);
    await this.#putAway(jobId, work);
  }

  /** How the job ended. Once it was told to stop it is over soon, whatever still hangs: whoever cancelled it waits to hear that. */
  async #endInTime(work: Promise<JobEnd>, ending: AbortSignal): Promise<JobEnd> {
    const { clock } = this.#deps;
    const done = new AbortController();
    const givenUp = aborted(ending, done.signal).then(async () => {
      await clock.sleep(endingMaxMs, { signal: done.signal });
      return endOfAborted(ending);
    });
    // It is left alone once the work is done.
    givenUp.catch(() => undefined);
    try {
      return await Promise.race([work, givenUp]);
    } finally {
      done.abort();
    }
  }

  /** What a job that was stopped still has to do, such as removing its lock, is done before the next one begins. */
  async #putAway(jobId: string, work: Promise<JobEnd>): Promise<void> {
    const { clock, log } = this.#deps;
    const done = new AbortController();
    const patience = clock.sleep(puttingAwayMaxMs, { signal: done.signal }).then(
      () => log.warn(`What job ${jobId} was doing does not end; other jobs go on`),
      () => undefined,
    );
    await Promise.race([work, patience]);
    done.abort();
  }
}

async function aborted(signal: AbortSignal, until: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true, signal: until });
    until.addEventListener("abort", () => reject(until.reason), { once: true });
  });
}
