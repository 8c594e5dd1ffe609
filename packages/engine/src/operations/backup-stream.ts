import { goModeFromPosix } from "../format/file-mode.ts";
import { EngineError } from "../errors/engine-error.ts";
import type { Node } from "../format/node.ts";
import { BlobWriter } from "../repository/blob-writer.ts";
import { loadIndex } from "../repository/load-index.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import type { BackupResult, BackupSettings } from "./backup/backup-request.ts";
import { BackupTally } from "./backup/backup-tally.ts";
import { finishBackup } from "./backup/finish-backup.ts";
import { saveContent } from "./backup/stream-saver.ts";
import { TreeWriter } from "./backup/tree-writer.ts";

export interface BackupStreamRequest extends BackupSettings {
  /** Where the bytes appear in the snapshot, such as `/stdin` or `db/dump.sql`. */
  readonly filename: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A regular file that its owner may read and write, as restic records standard input. */
const streamMode = 0o100644;

/** Backs up a stream as one file in a snapshot of its own, without a parent. If the stream fails there is no snapshot. */
export async function backupStream(repository: Repository, request: BackupStreamRequest): Promise<BackupResult> {
  const names = request.filename.split("/").filter((name) => name !== "" && name !== ".");
  const filename = names.pop();
  if (filename === undefined || filename === ".." || names.includes(".."))
    throw new EngineError("invalid-input", `Not a name for the stream's file: ${JSON.stringify(request.filename)}`);

  await using lock = await lockRepository(repository, { ...request.lock, exclusive: false, signal: request.signal });
  const timeNs = request.timeNs ?? repository.clock.nowNs();
  const run = {
    ...request,
    signal: lock.signal,
    timeNs,
    targets: [{ absolute: `/${[...names, filename].join("/")}` }],
  };
  const tally = new BackupTally(run, repository.clock);
  await loadIndex(repository, { signal: run.signal });
  await using writer = new BlobWriter(repository, { ...run, lock });
  const tree = new TreeWriter(writer, tally, run.targets);

  const path = run.targets[0]?.absolute ?? "";
  tally.readingStarts(path);
  const content = await saveContent(repository, writer, request.bytes, (bytes) => tally.bytesRead(path, bytes));
  tally.readingEnds(path);
  tally.fileDone({ snapshotPath: path, size: content.size }, "new", content);

  const folders = names.map((name, depth) => ({ name, ...samePath(`/${names.slice(0, depth + 1).join("/")}`) }));
  await tree.add([
    ...folders.map((folder) => ({ kind: "enter" as const, ...folder })),
    { kind: "file", path, node: { ...streamNode(run, filename), size: content.size, content: content.ids } },
    ...folders
      .toReversed()
      .map((folder) => ({ kind: "leave" as const, ...folder, metadata: folderNode(run, folder.name) })),
  ]);
  return await finishBackup(repository, { run, lock, parent: undefined, writer, tally, rootTree: await tree.finish() });
}

/** The folders exist in the snapshot only. */
function samePath(path: string) {
  return { path, snapshotPath: path };
}

type Owner = Pick<BackupSettings, "uid" | "gid" | "username"> & { readonly timeNs: bigint };

function streamNode(owner: Owner, name: string): Node {
  return { ...emptyNode(owner, name), type: "file", mode: goModeFromPosix(streamMode), links: 1n };
}

function folderNode(owner: Owner, name: string): Node {
  return { ...emptyNode(owner, name), type: "dir", mode: goModeFromPosix(0o040755) };
}

function emptyNode({ uid, gid, username, timeNs }: Owner, name: string): Omit<Node, "type" | "mode"> {
  return {
    name,
    mtimeNs: timeNs,
    atimeNs: timeNs,
    ctimeNs: timeNs,
    uid,
    gid,
    user: username,
    group: "",
    inode: 0n,
    deviceId: 0n,
    size: 0,
    links: 0n,
    linkTarget: "",
    extendedAttributes: [],
    genericAttributes: new Map(),
    device: 0n,
    content: undefined,
    subtree: undefined,
  };
}
