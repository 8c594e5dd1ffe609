import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type BackupSummary,
  type HeartbeatRequest,
  type HeartbeatResponse,
  heartbeatWaitMaxSeconds,
  type Order,
  type Report,
} from "@saveos/contract";
import type { EnrolledMachine } from "./enrol-fleet.ts";
import type { FleetLog } from "./fleet-log.ts";
import { type Door, Line, type LineAnswer } from "./line.ts";
import type { OrderBook } from "./order-book.ts";

/** As `progressIntervalMs` of the agent's worker. */
const progressEveryMs = 2000;

/** A small incremental backup. */
const jobMs = 10_000;

/** As the agent's first pause after a failure. */
const pauseAfterFailureMs = 1000;

interface Deps {
  readonly door: Door;
  readonly log: FleetLog;
  readonly orders: OrderBook;
}

/** Speaks with the server as the agent's daemon does (`apps/agent/src/daemon/daemon.ts`), and instead of backing up waits a while. */
export class SimulatedAgent {
  readonly #deps: Deps;
  readonly #machine: EnrolledMachine;
  readonly #line: Line;
  readonly #sessionId = randomUUID();
  readonly #running = new Set<string>();

  constructor(deps: Deps, machine: EnrolledMachine, place: number) {
    this.#deps = deps;
    this.#machine = machine;
    this.#line = new Line(deps.door, `10.${(place >> 16) & 255}.${(place >> 8) & 255}.${place & 255}`);
  }

  get agentId(): string {
    return this.#machine.agentId;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Heartbeats, one after another, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#line[Symbol.dispose](), { once: true });
    let waitSeconds = 0;
    while (!signal.aborted) {
      try {
        await this.#beat(waitSeconds, signal);
        waitSeconds = heartbeatWaitMaxSeconds;
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.log.failed(`heartbeat: ${String(error)}`);
        await sleep(pauseAfterFailureMs);
      }
    }
  }

  async #beat(waitSeconds: number, signal: AbortSignal): Promise<void> {
    const { log, orders } = this.#deps;
    const body: HeartbeatRequest = {
      hostname: this.#machine.hostname,
      agent_version: "0.1.0",
      machine_id: this.#machine.machineId,
      session_id: this.#sessionId,
      time_zone: "UTC",
      running_jobs: [...this.#running],
      wait_seconds: waitSeconds,
    };
    const answer = await this.#send("/api/v1/agents/heartbeat", body);
    const at = performance.now();
    const { orders: given } = answer.body as HeartbeatResponse;
    log.heartbeats += 1;
    if (waitSeconds === 0) log.entriesMs.push(answer.ms);
    else if (given.length === 0) log.heartbeatsMs.push(answer.ms - waitSeconds * 1000);
    for (const order of given) {
      orders.received(order.job_id, { agentId: this.agentId, at });
      if (!this.#running.has(order.job_id)) void this.#doOrder(order, signal);
    }
  }

  async #doOrder({ job_id }: Order, signal: AbortSignal): Promise<void> {
    this.#running.add(job_id);
    try {
      const endsAt = performance.now() + jobMs;
      let sequence = 0;
      const head = () => ({ job_id, sequence: sequence++, at: new Date().toISOString() });
      await this.#report({ kind: "started", ...head() });
      while (endsAt - performance.now() > progressEveryMs && !signal.aborted) {
        await sleep(progressEveryMs);
        await this.#report({ kind: "progress", ...head(), progress: progressAt(sequence) });
      }
      await sleep(Math.max(0, endsAt - performance.now()));
      await this.#report(
        { kind: "log", ...head(), lines: logLines() },
        { kind: "finished", ...head(), outcome: "completed", summary: summary() },
      );
    } catch (error) {
      if (!signal.aborted) this.#deps.log.failed(`report: ${String(error)}`);
    } finally {
      this.#running.delete(job_id);
    }
  }

  async #report(...reports: Report[]): Promise<void> {
    const { ms } = await this.#send("/api/v1/agents/reports", { reports });
    this.#deps.log.reportsMs.push(ms);
  }

  async #send(path: string, body: unknown): Promise<LineAnswer> {
    const answer = await this.#line.send({ method: "POST", path, credential: this.#machine.credential, body });
    if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }
}

function progressAt(step: number) {
  const bytesDone = step * 137_438_953;
  return {
    files_done: step * 4211,
    bytes_done: bytesDone,
    files_total: 25_000,
    bytes_total: 824_633_720,
    bytes_per_second: 68_719_476,
    seconds_left: 2 * Math.max(0, 6 - step),
  };
}

function logLines() {
  const at = new Date().toISOString();
  return [
    { at, level: "info" as const, text: "The lock was taken; 3 snapshots, 412 index files read" },
    { at, level: "info" as const, text: "25,000 files compared with the parent snapshot" },
    { at, level: "info" as const, text: "14 packs stored, 96.4 MB" },
  ];
}

function summary(): BackupSummary {
  return {
    snapshot_id: randomBytes(32).toString("hex"),
    files_new: 312,
    files_changed: 97,
    files_unmodified: 24_591,
    dirs_new: 12,
    dirs_changed: 44,
    dirs_unmodified: 2810,
    data_blobs: 611,
    tree_blobs: 57,
    data_added: 220_417_311,
    data_added_packed: 96_412_904,
    total_files_processed: 25_000,
    total_bytes_processed: 824_633_720,
    errors: 0,
  };
}
