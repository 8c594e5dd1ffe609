import { backup } from "../../operations/backup.ts";
import type { BackupRequest, BackupResult } from "../../operations/backup/backup-request.ts";
import type { Repository } from "../../repository/repository.ts";
import { noRules } from "../../source/backup-rules.ts";
import type { FileSource } from "../../source/file-source.ts";
import { testLock } from "./test-repository.ts";

/** Backs up `/home`, or the targets given, with every other setting at its plainest. */
export async function backUp(
  repository: Repository,
  source: FileSource,
  { targets = ["/home"], ...request }: Partial<Omit<BackupRequest, "targets">> & { targets?: string[] } = {},
): Promise<BackupResult> {
  return await backup(repository, source, {
    targets: targets.map((path) => ({ given: path, absolute: path })),
    rules: noRules,
    excludesToRecord: [],
    tags: [],
    hostname: "alpha",
    username: "ada",
    uid: 1000,
    gid: 1000,
    groupBy: { host: true, paths: true, tags: false },
    ignoreCtime: false,
    ignoreInode: false,
    withAtime: false,
    skipIfUnchanged: false,
    compression: "auto",
    programVersion: "saveos tests",
    lock: testLock,
    ...request,
  });
}
