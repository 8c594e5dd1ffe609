import { EngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { displayName } from "../format/names.ts";
import type { Node } from "../format/node.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { loadBlob } from "../repository/load-blob.ts";
import { loadIndex, type LoadIndexOptions } from "../repository/load-index.ts";
import { type LockOptions, lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import type { ArchivePiece } from "../target/archive.ts";
import { tarArchive } from "../target/tar.ts";
import { zipArchive } from "../target/zip.ts";
import { type ArchiveStep, archiveSteps, contentSteps } from "./dump/archive-steps.ts";
import { findNode, findSubfolder } from "./restore/find-subfolder.ts";

export interface DumpRequest extends Abortable {
  readonly snapshot: StoredSnapshot;
  /** Take what is in this folder of the snapshot for the whole. */
  readonly subfolder?: string | undefined;
  /** A file, or a folder (`/` for all). */
  readonly path: string;
  /** What a folder is written as. */
  readonly archive: "tar" | "zip";
  readonly lock: LockOptions;
  /** See `LoadIndexOptions`: whoever listens gets everything dumped without this index file. */
  readonly onDamagedIndex?: LoadIndexOptions["onDamagedIndex"];
}

/** Enough to hide the network's delay; a blob has at most 8 MiB as a rule, so some 32 MiB wait at the most. */
const blobsAhead = 4;

/**
 * The bytes of one file of a snapshot, or of a folder as an archive, in order. A piece stays valid after the next is asked for.
 * A stream can't leave something out and go on: it rejects with `corrupt-data` at what is damaged, `not-found` for a path that is not there,
 * and `invalid-input` for one that is neither file nor folder.
 */
export async function* dump(repository: Repository, request: DumpRequest): AsyncGenerator<Uint8Array, void, undefined> {
  await using lock = await lockRepository(repository, { ...request.lock, exclusive: false, signal: request.signal });
  const options = { signal: lock.signal };
  await loadIndex(repository, { ...options, onDamagedIndex: request.onDamagedIndex });
  const root = await findSubfolder(repository, request.snapshot, request.subfolder, options);
  const found = await findNode(repository, request.snapshot, root, request.path, options);

  if (found === "root" || found.type === "dir") {
    const [tree, path] = found === "root" ? [root, ""] : [requireSubtree(found), cleanPath(request.path)];
    const pieces = loadSteps(repository, archiveSteps(repository, tree, path, options), options);
    yield* request.archive === "tar" ? tarArchive(pieces) : zipArchive(pieces);
  } else if (found.type === "file") {
    for await (const piece of loadSteps(repository, contentSteps(found), options))
      if ("bytes" in piece) yield piece.bytes;
  } else {
    const message = `${displayName(request.path)} is no file or folder but a ${found.type}`;
    throw new EngineError("invalid-input", message, { hint: "Dump the folder that it is in, as an archive." });
  }
}

/** Blobs are fetched a few ahead, across the borders of files, and come out in order. */
function loadSteps(
  repository: Repository,
  steps: AsyncIterable<ArchiveStep> | Iterable<ArchiveStep>,
  options: Abortable,
): AsyncGenerator<ArchivePiece, void, undefined> {
  return mapConcurrent(steps, blobsAhead, async (step) =>
    "entry" in step ? step : { bytes: await loadBlob(repository, { type: "data", id: step.blob }, options) },
  );
}

function requireSubtree({ subtree, name }: Node): NonNullable<Node["subtree"]> {
  if (subtree) return subtree;
  throw new EngineError("corrupt-data", `The folder ${displayName(name)} has no tree`);
}

function cleanPath(path: string): string {
  return path
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .join("/");
}
