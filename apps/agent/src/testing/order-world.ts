import { type BackupOrder, type CheckOrder, type Order, type RestoreOrder, report } from "@saveos/contract";
import { type Clock, memoryStore, type ObjectStore, openRepository, type Repository } from "@saveos/engine";
import { nodeCompute } from "@saveos/engine/node";
import { newCheapRepository } from "@saveos/engine/testing";
import { makeIdentity } from "@saveos/vault";
import { machineClock } from "../host/clock.ts";
import { findHome } from "../host/home.ts";
import type { JobEnd } from "../jobs/job-end.ts";
import type { OrderDeps } from "../jobs/order-deps.ts";
import { runOrder } from "../jobs/run-order.ts";
import type { Counts } from "../terminal/progress-display.ts";
import { backupOrder, jobId } from "./memory-link.ts";
import { TestMachine } from "./test-world.ts";

export const ownRepositoryId = "11111111-0000-4000-8000-000000000000";
export const otherRepositoryId = "22222222-0000-4000-8000-000000000000";
export const otherPath = `/restic/${otherRepositoryId}/`;
export const otherPassword = "of the other machine";
const ownPassword = "of this machine";

/** A machine with its repository and another machine's, both in memory; orders run for real on real files. */
export class OrderWorld implements AsyncDisposable {
  readonly machine: TestMachine;
  readonly identity: string;
  /** What the jobs' logs say, which the server gets. */
  readonly said: string[] = [];
  /** The machine's own log. */
  readonly log: string[] = [];
  readonly progress: Counts[] = [];
  clock: Clock = machineClock;
  serverAheadMs: number | undefined = 0;
  env: Record<string, string> = { PATH: process.env["PATH"] ?? "" };
  ownStore: ObjectStore;
  otherStore: ObjectStore;
  /** What was opened, with whether a cache was allowed, and the grant to delete. */
  readonly opened: { readonly which: string; readonly useCache: boolean; readonly grant: string | undefined }[] = [];

  private constructor(machine: TestMachine, identity: string, stores: readonly [ObjectStore, ObjectStore]) {
    this.machine = machine;
    this.identity = identity;
    [this.ownStore, this.otherStore] = stores;
  }

  static async create(): Promise<OrderWorld> {
    const stores = [memoryStore(), memoryStore()] as const;
    const compute = nodeCompute();
    await newCheapRepository({ store: stores[0], compute, clock: machineClock }, ownPassword);
    await newCheapRepository({ store: stores[1], compute, clock: machineClock }, otherPassword);
    return new OrderWorld(await TestMachine.create(), await makeIdentity(), stores);
  }

  get deps(): OrderDeps {
    return {
      openRepository: async ({ repository, useCache, grant, signal }) => {
        this.opened.push({ which: repository === "own" ? "own" : repository.path, useCache, grant });
        const password = repository === "own" ? ownPassword : repository.password;
        return {
          repository: await this.open(repository === "own" ? this.ownStore : this.otherStore, password, signal),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        };
      },
      ownRepositoryId,
      identity: this.identity,
      home: findHome({
        platform: process.platform,
        env: { SAVEOS_HOME: this.machine.path("home") },
        homeFolder: "/",
        system: false,
      }),
      machine: { hostname: "web1", username: "ann", uid: 1000, gid: 1000 },
      env: this.env,
      platform: process.platform,
      programVersion: "saveos test",
      clock: this.clock,
      serverAheadMs: () => this.serverAheadMs,
      log: { info: (text) => this.log.push(text), warn: (text) => this.log.push(text) },
    };
  }

  async open(store: ObjectStore, password: string, signal?: AbortSignal): Promise<Repository> {
    return await openRepository({ store, compute: nodeCompute(), clock: this.clock }, { password, signal });
  }

  async openOwn(): Promise<Repository> {
    return await this.open(this.ownStore, ownPassword);
  }

  async run(order: Order, signal = new AbortController().signal): Promise<JobEnd> {
    const end = await runOrder(this.deps, order, {
      signal,
      onProgress: (counts) => this.progress.push(counts),
      say: (level, text, own = text) => {
        this.said.push(`${level}: ${text}`);
        this.log.push(own);
      },
    });
    // Whatever a job says at its end, the server must be able to take.
    report.parse({ kind: "finished", job_id: order.job_id, sequence: 1, at: "2026-01-31T08:30:00Z", ...end });
    return end;
  }

  async backUp(changes: Partial<BackupOrder> = {}): Promise<JobEnd> {
    return await this.run(backupOrder(1, { paths: [this.machine.path("files")], ...changes }));
  }

  /** The other machine backs up this folder into its own repository. */
  async backUpOther(folder: string): Promise<JobEnd> {
    const openRepository: OrderDeps["openRepository"] = async ({ signal }) => ({
      repository: await this.open(this.otherStore, otherPassword, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
    return await runOrder({ ...this.deps, openRepository }, backupOrder(1, { paths: [folder] }), {
      signal: new AbortController().signal,
      onProgress: () => undefined,
      say: () => undefined,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}

/** An order for a restore from the machine's own repository. */
export function restoreOrder(changes: Partial<RestoreOrder>): RestoreOrder {
  return {
    kind: "restore",
    job_id: jobId(7),
    repository_id: ownRepositoryId,
    repository_path: `/restic/${ownRepositoryId}/`,
    snapshot_id: "0".repeat(64),
    target: null,
    overwrite: "always",
    sealed: null,
    ...changes,
  };
}

export function checkOrder(readDataPercent = 0): CheckOrder {
  return { kind: "check", job_id: jobId(8), read_data_percent: readDataPercent };
}

/** The snapshot that a backup made. */
export function snapshotOf({ summary }: JobEnd): string {
  if (summary === undefined || !("snapshot_id" in summary) || summary.snapshot_id === undefined)
    throw new Error("the job made no snapshot");
  return summary.snapshot_id;
}
