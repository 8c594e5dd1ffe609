import type {
  FindingKind,
  FindingState,
  DelayedChange,
  JobError,
  JobKind,
  JobState,
  JobSummary,
  Order,
  Permission,
  PlanContent,
  Progress,
  Role,
  SealedPasswordOf,
  SignedStatement,
} from "@saveos/contract";
import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { GatewayTables } from "../gateway/schema.ts";
import type { ObjectKind } from "../object-store/object-name.ts";

/** Every table of the database, each with one owner: the gateway's are its own. The migrations are the truth, these types follow. */
export interface Database extends GatewayTables {
  repositories: RepositoriesTable;
  agents: AgentsTable;
  agent_credentials: AgentCredentialsTable;
  agent_sessions: AgentSessionsTable;
  enrolment_tokens: EnrolmentTokensTable;
  api_keys: ApiKeysTable;
  jobs: JobsTable;
  job_log_lines: JobLogLinesTable;
  plans: PlansTable;
  plan_agents: PlanAgentsTable;
  planned_runs: PlannedRunsTable;
  skipped_runs: SkippedRunsTable;
  usage_days: UsageDaysTable;
  vaults: VaultsTable;
  vault_rotations: VaultRotationsTable;
  vault_passphrases: VaultPassphrasesTable;
  sealed_passwords: SealedPasswordsTable;
  verification_findings: VerificationFindingsTable;
  verification_requests: VerificationRequestsTable;
  verification_hours: VerificationHoursTable;
  held_deletions: HeldDeletionsTable;
  delayed_changes: DelayedChangesTable;
  audit_events: AuditEventsTable;
  idempotency_keys: IdempotencyKeysTable;
  /** Read only: signing in has its own view of these (`accounts-schema.ts`). */
  users: UserNamesTable;
  members: MembersTable;
  invitations: InvitationsTable;
  tenants: TenantsTable;
}

/** Set by the database itself, to the tenant that the connection works for. */
type TenantId = ColumnType<string, never, never>;

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
  time_zone: Generated<string>;
  recipient: string | null;
  version: Generated<number>;
}

export interface AgentCredentialsTable {
  id: string;
  agent_id: string;
  secret_sha256: Buffer;
  created_at: Date;
  /** When the agent showed that it has this one: then the older ones are revoked. */
  first_used_at: Date | null;
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
  role: Role;
  /** What it is cut down to; null: all that its role may. */
  scopes: Permission[] | null;
  created_by: string | null;
  secret_sha256: Buffer;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

/** What an order says besides the job's id, which is the row's, and the grant, which is made when the order is given. */
export type StoredOrder = Order extends infer Kind
  ? Kind extends Order
    ? Omit<Kind, "job_id" | "grant">
    : never
  : never;

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
  summary: JSONColumnType<JobSummary> | null;
  /** The snapshot that the job wrote: out of the summary, to be found by. */
  snapshot_id: string | null;
  reason: string | null;
  plan_id: string | null;
  due_at: Date | null;
  attempt: Generated<number>;
  retry_of: string | null;
  not_before: Date | null;
  error: JobError | null;
  unreadable: JSONColumnType<Record<string, number>> | null;
  requested_by: string | null;
  repository_id: string | null;
}

export interface JobLogLinesTable {
  job_id: string;
  sequence: ColumnType<bigint, bigint | number, never>;
  place: number;
  at: Date;
  level: "info" | "warning" | "error";
  text: string;
}

export interface PlansTable {
  id: string;
  name: string;
  enabled: boolean;
  content: JSONColumnType<PlanContent>;
  agent_tags: string[];
  created_at: Date;
  updated_at: Date;
  version: Generated<number>;
}

export interface PlanAgentsTable {
  plan_id: string;
  agent_id: string;
}

/** The next run of a plan on a machine. */
export interface PlannedRunsTable {
  tenant_id: TenantId;
  plan_id: string;
  agent_id: string;
  due_at: Date;
  plan_version: number;
  time_zone: string;
}

export interface SkippedRunsTable {
  plan_id: string;
  agent_id: string;
  due_at: Date;
  reason: string;
}

export interface UsageDaysTable {
  repository_id: string;
  day: ColumnType<Date, string, string>;
  stored_bytes: ColumnType<bigint, bigint | number, bigint | number>;
  object_count: ColumnType<bigint, bigint | number, bigint | number>;
  snapshot_count: ColumnType<bigint, bigint | number, bigint | number>;
}

/** A tenant's vault, which it has at most one of. */
export interface VaultsTable {
  tenant_id: TenantId;
  recipient: string;
  verify_key: string;
  generation: Generated<number>;
  names: JSONColumnType<SignedStatement> | null;
  version: Generated<number>;
  created_at: Date;
}

export interface VaultRotationsTable {
  tenant_id: TenantId;
  /** That it led to. */
  generation: number;
  signed: JSONColumnType<SignedStatement>;
  rotated_at: Date;
}

export interface VaultPassphrasesTable {
  id: string;
  tenant_id: TenantId;
  generation: number;
  label: string;
  locked_identity: string;
  created_at: Date;
  created_by: string;
  last_fetched_at: Date | null;
  wrong_tries: Generated<number>;
}

export interface SealedPasswordsTable {
  id: string;
  tenant_id: TenantId;
  repository_id: string;
  agent_id: string;
  generation: number;
  kept_as: SealedPasswordOf["kept_as"];
  sealed: string;
  sealed_at: Date;
}

export interface VerificationFindingsTable {
  id: string;
  repository_id: string;
  kind: ObjectKind;
  name: string;
  size_bytes: ColumnType<bigint, bigint | number, never>;
  what: FindingKind;
  state: FindingState;
  detail: string;
  found_at: Date;
  changed_at: Date;
  /** How often the object was read and wasn't right. */
  readings: Generated<number>;
  next_reading_at: Date | null;
  job_id: string | null;
  snapshots_at_risk: string[] | null;
}

/** A repository that somebody wants verified now. */
export interface VerificationRequestsTable {
  repository_id: string;
  requested_at: Date;
  finished_at: Date | null;
}

export interface VerificationHoursTable {
  hour: Date;
  read_objects: ColumnType<bigint, bigint | number, never>;
  read_bytes: ColumnType<bigint, bigint | number, never>;
  reading_ms: ColumnType<bigint, bigint | number, never>;
}

export interface AuditEventsTable {
  id: string;
  /** The order in which they were written down. */
  number: ColumnType<bigint, never, never>;
  at: Date;
  actor_kind: "user" | "api-key" | "agent" | "server" | "nobody";
  actor_id: string | null;
  actor_name: string | null;
  action: string;
  subject_kind: string;
  subject_id: string | null;
  subject_name: string | null;
  address: string | null;
  details: JSONColumnType<Record<string, unknown>>;
}

export interface IdempotencyKeysTable {
  caller: string;
  key: string;
  request_sha256: Buffer;
  status: number | null;
  body: JSONColumnType<object> | null;
  location: string | null;
  created_at: Date;
}

export interface UserNamesTable {
  id: string;
  name: string;
  email: string;
  created_at: Date;
}

export interface MembersTable {
  id: string;
  tenant_id: TenantId;
  user_id: string;
  role: Role;
  created_at: Date;
}

export interface InvitationsTable {
  id: string;
  email: string | null;
  role: Role | null;
  secret_sha256: Buffer;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
}

export interface TenantsTable {
  id: string;
  name: string;
  slug: string;
  created_at: Date;
  version: ColumnType<number, number, number>;
  quarantine_days: ColumnType<number, number | undefined, number>;
}

export interface HeldDeletionsTable {
  id: string;
  plan_id: string;
  /** What was decided holds for this version of the plan. */
  plan_version: number;
  agent_id: string;
  repository_id: string;
  /** How many snapshots of the plan the machine had. */
  snapshot_count: number;
  snapshot_ids: string[];
  held_at: Date;
  decision: "approved" | "rejected" | null;
  decided_at: Date | null;
  decided_by: string | null;
  job_id: string | null;
}

export interface DelayedChangesTable {
  id: string;
  tenant_id: TenantId;
  change: JSONColumnType<DelayedChange["change"]>;
  plan_id: string | null;
  requested_by: string;
  requested_at: Date;
  applies_at: Date;
}
