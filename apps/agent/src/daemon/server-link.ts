import type { HeartbeatRequest, HeartbeatResponse, Report } from "@saveos/contract";

/** The agent's line to its server. It only ever calls out. */
export interface ServerLink {
  /**
   * Says that the agent is alive and asks for orders; the server may hold the answer back for `wait_seconds`.
   * Rejects with `server-unavailable` when trying again may help, `server-untrusted`, `identity-conflict`,
   * `credential-refused`, or `server-refused` for what the request says.
   */
  heartbeat(request: HeartbeatRequest, options: { readonly signal: AbortSignal }): Promise<HeartbeatResponse>;
  /** Delivers reports; the same report twice counts once. Rejects as `heartbeat` does. */
  report(reports: readonly Report[], options: { readonly signal: AbortSignal }): Promise<void>;
}
