import type { HeartbeatRequest, HeartbeatResponse, Report, SealPasswordRequest } from "@saveos/contract";

/** The agent's line to its server. It only ever calls out. */
export interface ServerLink {
  /**
   * Says that the agent is alive and asks for orders; the server may hold the answer back for `wait_seconds`.
   * Rejects with `server-unavailable` when trying again may help, `server-untrusted`, `identity-conflict`,
   * `credential-refused`, or `server-refused` for what the request says.
   */
  heartbeat(request: HeartbeatRequest, options: { readonly signal: AbortSignal }): Promise<HeartbeatResponse>;
  /** Asks for a new credential. The one in use works until the new one is first used, so a lost answer loses nothing. Rejects as `heartbeat` does. */
  renewCredential(options: { readonly signal: AbortSignal }): Promise<string>;
  /** Hands over the repository's password, sealed to the vault; the same twice does no harm. Rejects as `heartbeat` does. */
  sealPassword(request: SealPasswordRequest, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Delivers reports; the same report twice counts once. Rejects as `heartbeat` does. */
  report(reports: readonly Report[], options: { readonly signal: AbortSignal }): Promise<void>;
}
