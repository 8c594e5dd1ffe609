import type {
  BackupOrder,
  HeartbeatRequest,
  HeartbeatResponse,
  Order,
  Report,
  SealPasswordRequest,
  VaultForAgents,
} from "@saveos/contract";
import type { ServerLink } from "../daemon/server-link.ts";
import { AgentError } from "../errors/agent-error.ts";

/** A server's end of the line, in memory: holds heartbeats until there is an order, and keeps reports. */
export class MemoryLink implements ServerLink {
  readonly heartbeats: HeartbeatRequest[] = [];
  readonly reports: Report[] = [];
  /** Orders of jobs that have not begun, repeated in every answer, as the server does. */
  pending: Order[] = [];
  cancelled: string[] = [];
  /** While set, every call fails with it. */
  failure: AgentError | undefined;
  /** While true, heartbeats are told that the credential is old. */
  rotatesCredential = false;
  /** Credentials that were handed out. */
  readonly issued: string[] = [];
  /** Reports that the server refuses for what they say. */
  refuses: (report: Report) => boolean = () => false;
  /** Told to heartbeats that have heard of another version; nothing by default. */
  vault: VaultForAgents | null | undefined;
  /** Passwords that were handed over, sealed. */
  readonly sealed: SealPasswordRequest[] = [];
  #release: (() => void) | undefined;

  async heartbeat(request: HeartbeatRequest, { signal }: { signal: AbortSignal }): Promise<HeartbeatResponse> {
    this.heartbeats.push(request);
    if (this.failure) throw this.failure;
    const hasNews = this.pending.length > 0 || this.cancelled.length > 0;
    if (!hasNews && request.wait_seconds > 0) await this.#held(signal);
    const answer = {
      server_time: "2026-01-31T08:30:00Z",
      orders: [...this.pending],
      cancel_jobs: [...this.cancelled],
      next_heartbeat_seconds: 1,
      rotate_credential: this.rotatesCredential,
    };
    this.cancelled = [];
    const hasVaultNews = this.vault !== undefined && (this.vault?.version ?? 0) !== request.vault_version;
    return hasVaultNews ? { ...answer, vault: this.vault } : answer;
  }

  renewCredential(): Promise<string> {
    if (this.failure) return Promise.reject(this.failure);
    const credential = `saveos_agent_1_new${this.issued.length + 1}`;
    this.issued.push(credential);
    return Promise.resolve(credential);
  }

  sealPassword(request: SealPasswordRequest): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.sealed.push(request);
    return Promise.resolve();
  }

  report(reports: readonly Report[]): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    if (reports.some(this.refuses)) return Promise.reject(new AgentError("server-refused", "no such job"));
    this.reports.push(...reports);
    for (const { kind, job_id } of reports)
      if (kind === "started") this.pending = this.pending.filter((order) => order.job_id !== job_id);
    return Promise.resolve();
  }

  /** Answers the heartbeat that is held. */
  release(): void {
    this.#release?.();
  }

  order(order: Order): void {
    this.pending.push(order);
    this.release();
  }

  cancel(jobId: string): void {
    this.cancelled.push(jobId);
    this.release();
  }

  async #held(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#release = resolve;
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    this.#release = undefined;
  }
}

/** An order for a backup; `name` makes its job's id. */
export function backupOrder(name: number, changes: Partial<BackupOrder> = {}): BackupOrder {
  return {
    kind: "backup",
    job_id: jobId(name),
    paths: ["/srv"],
    paths_if_present: [],
    excludes: [],
    tags: [],
    hooks: { before: [], after: [] },
    bandwidth: [],
    ...changes,
  };
}

export function jobId(name: number): string {
  return `00000000-0000-4000-8000-${String(name).padStart(12, "0")}`;
}
