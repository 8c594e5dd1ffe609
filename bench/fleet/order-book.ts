import type { JobState } from "@saveos/contract";

/** An order on its way. Times are `performance.now()`. */
interface OrderRecord {
  readonly agentId: string;
  readonly sentAt: number;
  readonly acceptedAt: number;
}

interface Arrival {
  readonly agentId: string;
  readonly at: number;
}

/** What became of all orders. Every list but the latencies should be empty. */
export interface OrdersVerdict {
  readonly sent: number;
  /** Jobs whose order no agent ever got. */
  readonly lost: readonly string[];
  /** Jobs whose order came more than once. */
  readonly repeated: readonly string[];
  /** Orders that came to another agent than they were for. */
  readonly astray: readonly string[];
  /** Jobs that the server doesn't call completed at the end. */
  readonly unfinished: readonly string[];
  /** From the moment the administrator began to send the order to the moment the agent had it: ms. */
  readonly latenciesMs: readonly number[];
}

/** Keeps account of orders: sent by the administrator, received by agents. */
export class OrderBook {
  readonly #sent = new Map<string, OrderRecord>();
  readonly #arrivals = new Map<string, Arrival[]>();

  sent(jobId: string, order: OrderRecord): void {
    this.#sent.set(jobId, order);
  }

  /** An order may come before the answer to the one who sent it. */
  received(jobId: string, arrival: Arrival): void {
    const known = this.#arrivals.get(jobId);
    if (known === undefined) this.#arrivals.set(jobId, [arrival]);
    else known.push(arrival);
  }

  arrivalsOf(jobId: string): readonly Arrival[] {
    return this.#arrivals.get(jobId) ?? [];
  }

  get arrived(): number {
    return this.#arrivals.size;
  }

  /** Compares what was sent with what came, and with the states that the server tells. */
  judge(stateOf: (jobId: string) => JobState | undefined): OrdersVerdict {
    const jobs = [...this.#sent.keys()];
    const cameTo = (jobId: string) => this.arrivalsOf(jobId).map(({ agentId }) => agentId);
    return {
      sent: jobs.length,
      lost: jobs.filter((jobId) => cameTo(jobId).length === 0),
      repeated: jobs.filter((jobId) => cameTo(jobId).length > 1),
      astray: jobs.filter((jobId) => cameTo(jobId).some((agentId) => agentId !== this.#sent.get(jobId)?.agentId)),
      unfinished: jobs.filter((jobId) => stateOf(jobId) !== "completed"),
      latenciesMs: [...this.#sent].flatMap(([jobId, { sentAt }]) => {
        const [first] = this.arrivalsOf(jobId);
        return first === undefined ? [] : [first.at - sentAt];
      }),
    };
  }
}
