/**
 * The backup engine: restic's repository format, portable. This entry point has no platform in it: `@saveos/engine/node` and
 * `@saveos/engine/browser` bring the implementations of its ports.
 */
export { EngineError, type EngineErrorCode, isEngineError } from "./errors/engine-error.ts";
export { InvariantError } from "./errors/invariant.ts";
export type { Abortable } from "./flow/abortable.ts";
export { type Clock, systemClock } from "./flow/clock.ts";

export type { Config } from "./format/config.ts";
export { type BlobId, type ObjectId, parseBlobId, parseObjectId, shortId } from "./format/ids.ts";
export { posixFromGoMode } from "./format/file-mode.ts";
export { decodeName, displayName, encodeName } from "./format/names.ts";
export type { ExtendedAttribute, Node, NodeType } from "./format/node.ts";
export { objectKinds, type ObjectKind, type ObjectName } from "./format/object-name.ts";
export type { Snapshot, SnapshotSummary, StoredSnapshot } from "./format/snapshot.ts";
export { formatTime, localZone, parseTime, utcZone } from "./format/time.ts";

export type { Compression, Primitives } from "./crypto/primitives.ts";
export { portablePrimitives } from "./crypto/portable-primitives.ts";
export type { Compute } from "./compute/compute.ts";
export { inlineCompute } from "./compute/inline.ts";
export { defaultPackSizeBytes, packSizeLimits } from "./pack/pack-builder.ts";

export { excludeFilter, everything, includeFilter, type PathFilter } from "./pattern/path-filter.ts";
export { parsePatterns, type PatternList } from "./pattern/pattern-list.ts";
export { readPatternFile } from "./pattern/pattern-file.ts";

export type { ByteRange, ObjectStore, StoredObject } from "./store/object-store.ts";
export { memoryStore } from "./store/memory-store.ts";
export { restStore } from "./store/rest-store.ts";
export { withCache } from "./store/with-cache.ts";
export { type Pace, type Paced } from "./store/pace.ts";
export type { Speed } from "./store/speed-limit.ts";
export { parseSpeedWindows, speedByWindows, type SpeedWindows } from "./store/speed-windows.ts";
export { certificateFailureOf } from "./store/untrusted-server.ts";
export { withLimit } from "./store/with-limit.ts";
export { withRetry } from "./store/with-retry.ts";

export { type BackupRules, cacheDirectoryTag, noRules, parseTagFile, type TagFile } from "./source/backup-rules.ts";
export type { FileSource } from "./source/file-source.ts";
export type { ListingAhead } from "./source/listing-ahead.ts";
export { listTargetsAhead } from "./source/list-targets-ahead.ts";
export type { FileTarget, TargetPath } from "./target/file-target.ts";

export { loadIndex, type LoadIndexOptions } from "./repository/load-index.ts";
export { type LockOptions, lockRepository, type RepositoryLock } from "./repository/locks.ts";
export { openRepository, type OpenRequest } from "./repository/open-repository.ts";
export type { Repository, RepositoryDeps } from "./repository/repository.ts";

export { backup } from "./operations/backup.ts";
export { backupStream, type BackupStreamRequest } from "./operations/backup-stream.ts";
export type {
  BackupItem,
  BackupProgress,
  BackupRequest,
  BackupResult,
  BackupSettings,
  BackupTarget,
  GroupBy,
  Problem,
} from "./operations/backup/backup-request.ts";
export { check } from "./operations/check.ts";
export type {
  CheckProgress,
  CheckRequest,
  CheckResult,
  Finding,
  ReadDataSubset,
} from "./operations/check/check-request.ts";
export { parseReadDataSubset } from "./operations/check/read-data-subset.ts";
export { copy } from "./operations/copy.ts";
export type { CopiedSnapshot, CopyProgress, CopyRequest, CopyResult } from "./operations/copy/copy-request.ts";
export { diff, type DiffRequest, type DiffSide, type DiffStatistics, type EntryChange } from "./operations/diff.ts";
export { dump } from "./operations/dump.ts";
export { findFiles, type FindRequest, type FoundFile } from "./operations/find-files.ts";
export { forget } from "./operations/forget.ts";
export { type CalendarSpan, parseCalendarSpan } from "./operations/forget/calendar-span.ts";
export { applyPolicy, type AppliedPolicy, type KeptSnapshot, type Today } from "./operations/forget/apply-policy.ts";
export type {
  FailedRemoval,
  ForgetGroup,
  ForgetPlan,
  ForgetProgress,
  ForgetRequest,
  ForgetResult,
} from "./operations/forget/forget-request.ts";
export { describePolicy, type KeepCount, type Period, periods, type Policy } from "./operations/forget/policy.ts";
export { initRepository, type InitRequest } from "./operations/init.ts";
export { addKey, changePassword, type KeyInfo, listKeys, type NewKeyRequest, removeKey } from "./operations/keys.ts";
export { type ListedFile, listFiles, type ListRequest } from "./operations/list-files.ts";
export { prune } from "./operations/prune.ts";
export {
  type MaxUnused,
  parseMaxUnused,
  type PruneProgress,
  type PruneRequest,
  type PruneResult,
  type PruneStats,
} from "./operations/prune/prune-request.ts";
export {
  repairIndex,
  type RepairIndexProgress,
  type RepairIndexRequest,
  type RepairIndexResult,
} from "./operations/repair/repair-index.ts";
export {
  repairPacks,
  type RepairPacksProgress,
  type RepairPacksRequest,
  type RepairPacksResult,
} from "./operations/repair/repair-packs.ts";
export {
  repairSnapshots,
  type RepairSnapshotsRequest,
  type RepairSnapshotsResult,
} from "./operations/repair/repair-snapshots.ts";
export { restore, type RestoreRequest } from "./operations/restore.ts";
export { rewrite } from "./operations/rewrite.ts";
export type { RewriteRequest, RewriteResult, RewrittenSnapshot } from "./operations/rewrite/rewrite-request.ts";
export type { RestoreItem, RestoreProblem } from "./target/restore-report.ts";
export type { RestoreSettings } from "./target/restore-settings.ts";
export type { RestoreResult } from "./target/run-restore.ts";
export {
  findSnapshot,
  type FoundSnapshot,
  groupSnapshots,
  listSnapshots,
  type SnapshotFilter,
  type SnapshotGroup,
} from "./operations/snapshots.ts";
export { repositoryStats, type RepositoryStats, type StatsMode, type StatsRequest } from "./operations/stats.ts";
export { type TagChange, type TagRequest, tagSnapshots } from "./operations/tag.ts";
export { unlock, type UnlockRequest } from "./operations/unlock.ts";
