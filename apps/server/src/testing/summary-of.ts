import type { BackupSummary } from "@saveos/contract";

/** What an agent might tell about the backup that wrote a snapshot. */
export function summaryOf(snapshotId: string): BackupSummary {
  return {
    snapshot_id: snapshotId,
    files_new: 3,
    files_changed: 0,
    files_unmodified: 4,
    dirs_new: 1,
    dirs_changed: 0,
    dirs_unmodified: 0,
    data_blobs: 3,
    tree_blobs: 2,
    data_added: 3000,
    data_added_packed: 1500,
    total_files_processed: 7,
    total_bytes_processed: 7000,
    errors: 0,
  };
}
