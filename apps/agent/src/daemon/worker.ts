import type { Order, Progress } from "@saveos/contract";
import type { Clock } from "@saveos/engine";
import { nowMs, nowText } from "../host/clock.ts";
import type { JobEnd, JobRun } from "../jobs/job-end.ts";
import { Bell } from "./bell.ts";
import type { Inbox } from "./inbox.ts";
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

/** Often enough to follow a backup, seldom enough to cost nothing. */
const progressIntervalMs = 2_000;

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
    if (this.#current?.jobId === jobId) this.#current.cancellation.abort(new Error("cancelled by the server"));
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
        await outbox.add({ kind: "finished", job_id: jobId, at: nowText(clock), outcome: "failed", reason });
      }
      await inbox.end(jobId);
    }
    reportsWait.ring();
  }

  async #runOne(order: Order, signal: AbortSignal): Promise<void> {
    const { inbox, outbox, clock, log, reportsWait, runOrder } = this.#deps;
    const jobId = order.job_id;
    const cancellation = new AbortController();
    this.#current = { jobId, cancellation };
    log.info(`Job ${jobId} (${order.kind}) begins`);
    await outbox.add({ kind: "started", job_id: jobId, at: nowText(clock) });
    reportsWait.ring();

    const end = await runOrder(order, {
      signal: AbortSignal.any([signal, cancellation.signal]),
      onProgress: this.#progressReporter(jobId),
    });

    // The report first: if the process dies between the two, the restart finds the report and does not say "cut off".
    await outbox.add({ kind: "finished", job_id: jobId, at: nowText(clock), ...end });
    await inbox.end(jobId);
    this.#current = undefined;
    reportsWait.ring();
    const say = end.outcome === "completed" ? log.info : log.warn;
    say(`Job ${jobId} ${end.outcome}${end.reason === undefined ? "" : `: ${end.reason}`}`);
  }

  #progressReporter(jobId: string): (progress: Progress) => void {
    const { outbox, clock, log, reportsWait } = this.#deps;
    let lastMs = nowMs(clock);
    return (progress) => {
      if (nowMs(clock) - lastMs < progressIntervalMs) return;
      lastMs = nowMs(clock);
      outbox.add({ kind: "progress", job_id: jobId, at: nowText(clock), progress }).then(
        () => reportsWait.ring(),
        (error: unknown) => log.warn(`Could not note the progress of job ${jobId}: ${String(error)}`),
      );
    };
  }
}
