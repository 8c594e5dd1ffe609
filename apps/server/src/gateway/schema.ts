import type { ColumnType } from "kysely";
import type { ObjectKind } from "../object-store/object-name.ts";

/** The gateway's own tables (`migrations/0002-ledger.sql`). */
export interface GatewayTables {
  objects: ObjectsTable;
  repository_usage: RepositoryUsageTable;
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
