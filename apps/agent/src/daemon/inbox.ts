import type { Order } from "@saveos/contract";
import { readStateFile, writeStateFile } from "../host/state-file.ts";

/** Orders repeat only while their job is pending, some minutes; this many finished jobs are remembered, which is weeks. */
const finishedMax = 1000;

interface InboxState {
  /** Jobs begun and not ended: after a restart these were cut off. */
  readonly running: readonly string[];
  /** Jobs that ended, the newest last. */
  readonly finished: readonly string[];
}

/** Orders from the server, each kept until it runs, in order. An order delivered twice runs once, restarts included. */
export class Inbox {
  readonly #file: string;
  #state: InboxState;
  #queue: Order[] = [];

  private constructor(file: string, state: InboxState) {
    this.#file = file;
    this.#state = state;
  }

  static async open(file: string): Promise<Inbox> {
    return new Inbox(file, (await readStateFile(file, parseState)) ?? { running: [], finished: [] });
  }

  /** Jobs begun and not ended. */
  get running(): readonly string[] {
    return this.#state.running;
  }

  /** Jobs that are here: begun, or waiting for their turn. */
  get present(): readonly string[] {
    return [...this.#state.running, ...this.#queue.map(({ job_id }) => job_id)];
  }

  /** Takes an order in; false if it is known already. Waiting orders are not written down: the server repeats them until they begin. */
  accept(order: Order): boolean {
    const { running, finished } = this.#state;
    const { job_id } = order;
    const isKnown =
      running.includes(job_id) || finished.includes(job_id) || this.#queue.some((other) => other.job_id === job_id);
    if (!isKnown) this.#queue.push(order);
    return !isKnown;
  }

  /** Drops a waiting order; false if there is none. */
  withdraw(jobId: string): boolean {
    const before = this.#queue.length;
    this.#queue = this.#queue.filter(({ job_id }) => job_id !== jobId);
    return this.#queue.length < before;
  }

  /** The next order, noted durably as running; undefined if none waits. */
  async begin(): Promise<Order | undefined> {
    for (let order = this.#queue[0]; order !== undefined; order = this.#queue[0]) {
      const { job_id: jobId } = order;
      await this.#replace({ ...this.#state, running: [...this.#state.running, jobId] });
      if (this.withdraw(jobId)) return order;
      // It was withdrawn while it was written down.
      await this.end(jobId);
    }
    return undefined;
  }

  async end(jobId: string): Promise<void> {
    const { running, finished } = this.#state;
    await this.#replace({
      running: running.filter((other) => other !== jobId),
      finished: [...finished.filter((other) => other !== jobId), jobId].slice(-finishedMax),
    });
  }

  async #replace(state: InboxState): Promise<void> {
    await writeStateFile(this.#file, state);
    this.#state = state;
  }
}

function parseState(value: unknown): InboxState | undefined {
  if (typeof value !== "object" || value === null || !("running" in value) || !("finished" in value)) return undefined;
  const { running, finished } = value;
  return isTexts(running) && isTexts(finished) ? { running, finished } : undefined;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
