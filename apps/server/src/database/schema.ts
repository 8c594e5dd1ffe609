import type { BackupOrder, BackupSummary, JobKind, JobState, Progress } from "@saveos/contract";
import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { GatewayTables } from "../gateway/schema.ts";

/** Every table of the database, each with one owner: the gateway's are its own. The migrations are the truth, these types follow. */
export interface Database extends GatewayTables {
  repositories: RepositoriesTable;
  agents: AgentsTable;
  agent_credentials: AgentCredentialsTable;
  agent_sessions: AgentSessionsTable;
  enrolment_tokens: EnrolmentTokensTable;
  api_keys: ApiKeysTable;
  jobs: JobsTable;
}

export interface RepositoriesTable {
  id: string;
  created_at: Generated<Date>;
  /** The quota in bytes that the gateway keeps, or none. */
  max_bytes: bigint | null;
}

export interface AgentsTable {
  id: string;
  hostname: string;
  platform: "linux" | "windows" | "macos" | null;
  tags: string[];
  agent_version: string | null;
  /** The machine that enrolled; its credential works on no other. */
  machine_id: string | null;
  repository_id: string | null;
  created_at: Date;
  registered_at: Date | null;
  last_seen_at: Date | null;
  /** When two machines were last seen to use one identity. */
  identity_conflict_at: Date | null;
  revoked_at: Date | null;
}

export interface AgentCredentialsTable {
  id: string;
  agent_id: string;
  secret_sha256: Buffer;
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

/** The runs of an agent: one row each time that its program started. At most one isn't superseded. */
export interface AgentSessionsTable {
  agent_id: string;
  session_id: string;
  started_at: Date;
  last_seen_at: Date;
  superseded_at: Date | null;
}

export interface EnrolmentTokensTable {
  id: string;
  agent_id: string;
  secret_sha256: Buffer;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
}

export interface ApiKeysTable {
  id: string;
  name: string;
  secret_sha256: Buffer;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

/** What an order says besides the job's id, which is the row's. */
export type StoredOrder = Omit<BackupOrder, "job_id">;

export interface JobsTable {
  id: string;
  agent_id: string;
  kind: JobKind;
  state: JobState;
  order: JSONColumnType<StoredOrder>;
  requested_at: Date;
  /** The session that the order was last given to, and when. */
  delivered_session_id: string | null;
  delivered_at: Date | null;
  started_at: Date | null;
  finished_at: Date | null;
  /** A running job that isn't heard of until then is lost. */
  lease_expires_at: Date | null;
  /** The highest sequence of the reports recorded. */
  last_sequence: ColumnType<bigint, bigint | undefined, bigint>;
  progress: JSONColumnType<Progress> | null;
  summary: JSONColumnType<BackupSummary> | null;
  /** The snapshot that the job wrote: out of the summary, to be found by. */
  snapshot_id: string | null;
  reason: string | null;
}
