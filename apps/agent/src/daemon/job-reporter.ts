import { type LogLine, logLineMaxLength, type Progress } from "@saveos/contract";
import type { Clock } from "@saveos/engine";
import { messageOf } from "../errors/system-error.ts";
import { nowText } from "../host/clock.ts";
import type { Say } from "../jobs/job-end.ts";
import { type Counts, ProgressDisplay } from "../terminal/progress-display.ts";
import { secondsLeft, type Progress as MeasuredProgress } from "../terminal/progress-text.ts";
import type { Bell } from "./bell.ts";
import type { Log } from "./log.ts";
import type { NewReport, Outbox } from "./outbox.ts";

export interface JobReporterDeps {
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** The machine's own. */
  readonly log: Log;
  /** Rung when a report waits to be sent. */
  readonly reportsWait: Bell;
}

/** Often enough to follow a job, seldom enough to cost nothing. */
export const reportIntervalMs = 2_000;
/** A job that has more to say says it to a log that nobody reads. */
export const jobLinesMax = 1_000;
/** The contract's limit of one report. */
const reportLinesMax = 100;

/**
 * Tells the server how a job goes: how far it is and what its log says, each at most every two seconds. A line that comes is sent with the next
 * report, so lines and progress travel together.
 */
export class JobReporter implements AsyncDisposable {
  readonly #deps: JobReporterDeps;
  readonly #jobId: string;
  readonly #display: ProgressDisplay;
  readonly #closing = new AbortController();
  #lines: LogLine[] = [];
  #linesSaid = 0;
  #isFlushDue = false;
  #lastProgress = "";
  #hasBegun = false;
  #isClosed = false;

  constructor(deps: JobReporterDeps, jobId: string) {
    this.#deps = deps;
    this.#jobId = jobId;
    this.#display = new ProgressDisplay({
      clock: deps.clock,
      intervalMs: reportIntervalMs,
      show: (progress) => this.#report(progress),
    });
  }

  readonly progress = (counts: Counts): void => {
    if (this.#isClosed) return;
    this.#hasBegun = true;
    this.#display.update(counts);
  };

  readonly say: Say = (level, text, own = text) => {
    const { log } = this.#deps;
    (level === "info" ? log.info : log.warn)(own);
    this.note(level, text);
  };

  /** A line for the server only. */
  note(level: LogLine["level"], text: string): void {
    if (this.#isClosed || this.#linesSaid >= jobLinesMax) return;
    this.#linesSaid += 1;
    const line =
      this.#linesSaid < jobLinesMax
        ? { level, text: text.slice(0, logLineMaxLength) }
        : ({ level: "warning", text: "More was said than is kept here: the machine's own log has it all" } as const);
    this.#lines.push({ at: nowText(this.#deps.clock), ...line });
    if (!this.#isFlushDue) void this.#flushSoon();
  }

  /** Resolves when all lines are durable. What is said afterwards stays in the machine's own log. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
    await this.#display[Symbol.asyncDispose]();
    await this.#flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #report(measured: MeasuredProgress): void {
    if (this.#isClosed || !this.#hasBegun) return;
    const progress = inContractWords(measured);
    const text = JSON.stringify(progress);
    // While nothing moves there is nothing to tell.
    if (text === this.#lastProgress) return;
    this.#lastProgress = text;
    void this.#flush();
    void this.#add({ kind: "progress", job_id: this.#jobId, at: nowText(this.#deps.clock), progress });
  }

  async #flushSoon(): Promise<void> {
    this.#isFlushDue = true;
    try {
      await this.#deps.clock.sleep(reportIntervalMs, { signal: this.#closing.signal });
    } catch {
      return;
    }
    this.#isFlushDue = false;
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    for (let start = 0; start < lines.length; start += reportLinesMax)
      await this.#add({
        kind: "log",
        job_id: this.#jobId,
        at: nowText(this.#deps.clock),
        lines: lines.slice(start, start + reportLinesMax),
      });
  }

  /** Never rejects: a report that can't be noted is no reason to end the job. */
  async #add(report: NewReport): Promise<void> {
    const { outbox, log, reportsWait } = this.#deps;
    try {
      await outbox.add(report);
      reportsWait.ring();
    } catch (error) {
      log.warn(`Could not note a report of job ${this.#jobId}: ${messageOf(error)}`);
    }
  }
}

function inContractWords(measured: MeasuredProgress): Progress {
  const { filesDone, bytesDone, filesTotal, bytesTotal, bytesPerSecond } = measured;
  const left = secondsLeft(measured);
  return {
    files_done: filesDone,
    bytes_done: bytesDone,
    ...(filesTotal === undefined ? {} : { files_total: filesTotal }),
    ...(bytesTotal === undefined ? {} : { bytes_total: bytesTotal }),
    bytes_per_second: Math.round(bytesPerSecond),
    ...(left === undefined ? {} : { seconds_left: Math.ceil(left) }),
  };
}
