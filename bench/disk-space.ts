import { statfs } from "node:fs/promises";
import { BenchError } from "./bench-error.ts";
import type { Corpus } from "./corpora/corpus.ts";
import { isComplete, placeOf } from "./corpora/prepare.ts";
import type { Scene } from "./scenes/scenes.ts";
import type { Workspace } from "./workspace.ts";

/**
 * Beside the corpus that is at work: three repositories that together take less than twice as much, and one restore; or, through the
 * server, two repositories a round.
 */
const timesTheCorpus = 3;
/** An index entry is some 160 bytes of JSON, half of that compressed; restic keeps a copy of the index in its cache, and so do we. */
const bytesAForgedBlob = 300;

/** How much disk the scenes need that the workspace does not hold yet. */
export async function neededBytes(scenes: readonly Scene[], workspace: Workspace): Promise<number> {
  const corpora = new Map<string, Corpus>();
  let besideBytes = 0;
  for (const scene of scenes) {
    if (scene.kind === "corpus") corpora.set(scene.corpus.name, scene.corpus);
    const bytes = scene.kind === "corpus" ? timesTheCorpus * scene.corpus.diskBytes : scene.blobs * bytesAForgedBlob;
    besideBytes = Math.max(besideBytes, bytes);
  }
  let corporaBytes = 0;
  for (const corpus of corpora.values())
    if (!(await isComplete(placeOf(corpus, workspace.corporaFolder)))) corporaBytes += corpus.diskBytes;
  return corporaBytes + besideBytes;
}

/** Throws `BenchError` if the disk has less room than is needed. */
export async function requireSpace(bytes: number, { path }: Workspace): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  const freeBytes = bavail * bsize;
  if (freeBytes < bytes)
    throw new BenchError(
      `The bench needs ${inGigabytes(bytes)} of disk, and ${path} has ${inGigabytes(freeBytes)} left. ` +
        "Name a roomier place with --folder, fewer data with --corpus, or take --quick.",
    );
}

export function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
