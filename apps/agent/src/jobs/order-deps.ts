import type { BandwidthWindow } from "@saveos/contract";
import type { Clock, LockOptions, Repository } from "@saveos/engine";
import type { Log } from "../daemon/log.ts";
import type { MachineFacts } from "../host/facts.ts";
import type { Home } from "../host/home.ts";
import type { StoreRetry } from "../repository/connect-store.ts";
import type { JobRun, Say } from "./job-end.ts";

/** What jobs work with on this machine. */
export interface OrderDeps {
  readonly openRepository: (request: OpenForOrder) => Promise<OpenedForOrder>;
  /** Of this machine. */
  readonly ownRepositoryId: string;
  /** Opens what was sealed to this machine. */
  readonly identity: string;
  readonly home: Home;
  readonly machine: MachineFacts;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly programVersion: string;
  readonly clock: Clock;
  /** How far the server's clock was ahead of the machine's when it last answered; undefined if it never did. */
  readonly serverAheadMs: () => number | undefined;
  /** The machine's own: names may be in it. */
  readonly log: Log;
}

export interface OpenForOrder {
  /** This machine's, or another one behind the same server, with its password. */
  readonly repository: "own" | { readonly path: string; readonly password: string };
  /** False for what must see the repository itself. */
  readonly useCache: boolean;
  readonly bandwidth: readonly BandwidthWindow[];
  /** Lets this job delete objects; without it the server lets go nothing but locks. */
  readonly grant?: string | undefined;
  readonly onRetry: (message: string, retry: StoreRetry) => void;
  readonly signal: AbortSignal;
}

export interface OpenedForOrder extends AsyncDisposable {
  readonly repository: Repository;
}

/** Another's lock may be a manual backup: a scheduled job can wait for it. */
const retryLockMs = 10 * 60_000;

/** Whose lock it is, and what the job's log says while it waits for another's. */
export function lockOfJob({ machine }: Pick<OrderDeps, "machine">, { say }: Pick<JobRun, "say">): LockOptions {
  return {
    ...machine,
    pid: process.pid,
    retryLockMs,
    onWaiting: (message) => say("info", "Another program holds a lock on the repository; waiting for it", message),
  };
}

/** Says in the job's log that the store failed for now. The full message names objects and addresses. */
export function sayRetry(say: Say): OpenForOrder["onRetry"] {
  return (message, { code, delaySeconds }) => {
    const what =
      code === "corrupt-data"
        ? "What came from the repository was damaged on the way"
        : "The repository could not be reached";
    say("warning", `${what}; trying again in ${delaySeconds} s`, message);
  };
}
