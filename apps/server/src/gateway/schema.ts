import type { GrantKind } from "@saveos/contract";
import type { ColumnType, Generated } from "kysely";
import type { DeletableKind, ObjectKind } from "../object-store/object-name.ts";

/** The gateway's own tables (`migrations/0002-ledger.sql`, `0005-deletion.sql`). */
export interface GatewayTables {
  objects: ObjectsTable;
  repository_usage: RepositoryUsageTable;
  deletion_grants: DeletionGrantsTable;
  quarantined_objects: QuarantinedObjectsTable;
  undeletes: UndeletesTable;
}

/** The ledger: one row for each stored object. The object is durable before its row is written. */
export interface ObjectsTable {
  repository_id: string;
  kind: ObjectKind;
  /** 64 hex digits, or `config`. */
  name: string;
  size_bytes: ColumnType<bigint, bigint | number, bigint | number>;
  /** When the server received it, by its own clock. */
  stored_at: Date;
  stored_by_agent: string | null;
  /** When the bytes were last compared with the name; null if that was never seen. */
  last_verified_at: Date | null;
  /** A deletion has begun; it is over when the row is gone. */
  deleting_since: Date | null;
  /** The grant by which it began. */
  deleting_by_grant: string | null;
  /** The object was found to be gone without a deletion. */
  missing_since: Date | null;
  /** Of the config, which isn't named by it: what was uploaded, or what the first verification read. */
  sha256: string | null;
  /** No worker reads the object to verify it before then: another one has it in hand. */
  verify_after: Date | null;
  /** An open finding is about this object. */
  damaged_since: Date | null;
}

/** Kept by triggers on `objects`: never written by the program. */
export interface RepositoryUsageTable {
  repository_id: string;
  stored_bytes: ColumnType<bigint, never, never>;
  object_count: ColumnType<bigint, never, never>;
}

/** Who may delete what, and until when: the agent of one job, or an API key for a while. */
export interface DeletionGrantsTable {
  id: string;
  repository_id: string;
  kind: GrantKind;
  job_id: string | null;
  api_key_id: string | null;
  /** Of the tokens that the job's agent may show, the latest first. */
  token_sha256s: Generated<Buffer[]>;
  /** The snapshots that may be forgotten, or the packs that may be replaced. */
  names: string[] | null;
  /** The plan whose retention must still want it. */
  plan_id: string | null;
  max_bytes: ColumnType<bigint | null, bigint | number | null | undefined, never>;
  deleted_objects: ColumnType<bigint, never, bigint>;
  deleted_bytes: ColumnType<bigint, never, bigint>;
  created_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** What was deleted and can be brought back: the row that it had in the ledger, and how it came here. */
export interface QuarantinedObjectsTable {
  repository_id: string;
  kind: DeletableKind;
  name: string;
  size_bytes: ColumnType<bigint, bigint | number, bigint | number>;
  stored_at: Date;
  stored_by_agent: string | null;
  last_verified_at: Date | null;
  /** By the database's clock, as `stored_at`. */
  quarantined_at: Date;
  grant_id: string | null;
}

/** Snapshots that are or were brought back. */
export interface UndeletesTable {
  id: string;
  repository_id: string;
  snapshot_id: string;
  /** What was deleted since then comes back. */
  since: Date;
  object_count: ColumnType<bigint, never, bigint>;
  byte_count: ColumnType<bigint, never, bigint>;
  started_at: Date;
  finished_at: Date | null;
}
