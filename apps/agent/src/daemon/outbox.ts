import { type Report, report } from "@saveos/contract";
import { isAgentError } from "../errors/agent-error.ts";
import { readStateFile, writeStateFile } from "../host/state-file.ts";
import type { ServerLink } from "./server-link.ts";

/** The contract's limit of reports in one request. */
const batchMax = 1000;

/** A report before it has its place among those of its job. */
export type NewReport = Report extends infer Kind ? (Kind extends Report ? Omit<Kind, "sequence"> : never) : never;

export interface SendOptions {
  readonly signal: AbortSignal;
  /** Told of a report that the server will never take. */
  readonly onRefused: (refused: Report, error: unknown) => void;
}

interface OutboxState {
  /** Reports that the server does not have yet, oldest first. */
  readonly waiting: readonly Report[];
  /** The next report's number, by job; gone once the job's last report is delivered. */
  readonly nextSequences: Readonly<Record<string, number>>;
}

/** Reports on their way to the server, in a file until the server has them: neither a restart nor a lost network loses one. */
export class Outbox {
  readonly #file: string;
  #state: OutboxState;
  #lastChange: Promise<unknown> = Promise.resolve();
  #lastSend: Promise<unknown> = Promise.resolve();

  private constructor(file: string, state: OutboxState) {
    this.#file = file;
    this.#state = state;
  }

  static async open(file: string): Promise<Outbox> {
    return new Outbox(file, (await readStateFile(file, parseState)) ?? { waiting: [], nextSequences: {} });
  }

  get waiting(): readonly Report[] {
    return this.#state.waiting;
  }

  /** Resolves once the report is durable. A progress report is left out while an older one of its job waits: the next one says more. */
  async add(newReport: NewReport): Promise<void> {
    const { kind, job_id } = newReport;
    await this.#change((state) => {
      const { waiting, nextSequences } = state;
      if (kind === "progress" && waiting.some((other) => other.kind === "progress" && other.job_id === job_id))
        return state;
      const sequence = nextSequences[job_id] ?? 0;
      return {
        waiting: [...waiting, { ...newReport, sequence }],
        nextSequences: { ...nextSequences, [job_id]: sequence + 1 },
      };
    });
  }

  /**
   * Sends what waits, oldest first. Rejects as the link does when the server can't be reached, and everything not sent yet stays. A report
   * that the server refuses for what it says can never be delivered: it is dropped, so that those behind it get through.
   */
  async send(link: ServerLink, options: SendOptions): Promise<void> {
    // One sender at a time, or two would deliver the same reports; adding goes on meanwhile.
    const mine = this.#sendAfter(this.#lastSend, link, options);
    this.#lastSend = mine.catch(() => undefined);
    await mine;
  }

  async #sendAfter(earlier: Promise<unknown>, link: ServerLink, options: SendOptions): Promise<void> {
    await earlier;
    while (this.#state.waiting.length > 0) {
      const batch = this.#state.waiting.slice(0, batchMax);
      await deliver(link, batch, options);
      await this.#forget(batch);
    }
  }

  async #forget(delivered: readonly Report[]): Promise<void> {
    const ended = new Set(delivered.filter(({ kind }) => kind === "finished").map(({ job_id }) => job_id));
    await this.#change(({ waiting, nextSequences }) => ({
      // Others were added behind these meanwhile, never before.
      waiting: waiting.slice(delivered.length),
      nextSequences: Object.fromEntries(Object.entries(nextSequences).filter(([jobId]) => !ended.has(jobId))),
    }));
  }

  /** One change after another, each on disk first: what this object says is kept, is kept. */
  async #change(next: (state: OutboxState) => OutboxState): Promise<void> {
    const mine = this.#changeAfter(this.#lastChange, next);
    this.#lastChange = mine.catch(() => undefined);
    await mine;
  }

  async #changeAfter(earlier: Promise<unknown>, next: (state: OutboxState) => OutboxState): Promise<void> {
    await earlier;
    const state = next(this.#state);
    if (state === this.#state) return;
    await writeStateFile(this.#file, { waiting: state.waiting, next_sequences: state.nextSequences });
    this.#state = state;
  }
}

async function deliver(link: ServerLink, batch: readonly Report[], { signal, onRefused }: SendOptions): Promise<void> {
  try {
    await link.report(batch, { signal });
  } catch (error) {
    if (!isAgentError(error, "server-refused")) throw error;
    const [only, second] = batch;
    if (only !== undefined && second === undefined) onRefused(only, error);
    // One of them is the wrong one: find out which.
    else for (const one of batch) await deliver(link, [one], { signal, onRefused });
  }
}

function parseState(value: unknown): OutboxState | undefined {
  if (typeof value !== "object" || value === null || !("waiting" in value) || !("next_sequences" in value))
    return undefined;
  const { waiting, next_sequences: nextSequences } = value;
  if (!Array.isArray(waiting) || typeof nextSequences !== "object" || nextSequences === null) return undefined;
  // A report of another version that this one can't send is left out; the others are still worth sending.
  const reports = waiting
    .map((item) => report.safeParse(item))
    .flatMap((parsed) => (parsed.success ? [parsed.data] : []));
  const sequences = Object.entries(nextSequences).filter((entry): entry is [string, number] =>
    Number.isSafeInteger(entry[1]),
  );
  return { waiting: reports, nextSequences: Object.fromEntries(sequences) };
}
