import type { BackupSummary } from "@saveos/contract";
import type { SnapshotSummary } from "@saveos/engine";

/** What a backup did, in restic's words: for machines, and for the server. */
export function summaryCounts(summary: SnapshotSummary): Omit<BackupSummary, "snapshot_id" | "errors"> {
  return {
    files_new: summary.filesNew,
    files_changed: summary.filesChanged,
    files_unmodified: summary.filesUnmodified,
    dirs_new: summary.dirsNew,
    dirs_changed: summary.dirsChanged,
    dirs_unmodified: summary.dirsUnmodified,
    data_blobs: summary.dataBlobs,
    tree_blobs: summary.treeBlobs,
    data_added: summary.dataAdded,
    data_added_packed: summary.dataAddedPacked,
    total_files_processed: summary.totalFilesProcessed,
    total_bytes_processed: summary.totalBytesProcessed,
  };
}
