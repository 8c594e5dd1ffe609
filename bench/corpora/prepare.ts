import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { remove } from "../workspace.ts";
import { corporaVersion, type Corpus } from "./corpus.ts";

/** A corpus on disk. */
export interface PreparedCorpus {
  readonly corpus: Corpus;
  readonly path: string;
  /** Beside the folder; it is there only while the folder holds exactly what the corpus is made of. */
  readonly markerFile: string;
}

/** Where a corpus is, or will be, below the folder of corpora. */
export function placeOf(corpus: Corpus, folder: string): PreparedCorpus {
  const path = join(folder, corpus.name);
  return { corpus, path, markerFile: `${path}.complete` };
}

/** Makes a corpus, unless a run before left a complete one of this version there. */
export async function prepareCorpus(corpus: Corpus, folder: string, signal: AbortSignal): Promise<PreparedCorpus> {
  const place = placeOf(corpus, folder);
  if (await isComplete(place)) return place;
  await rm(place.markerFile, { force: true });
  remove(place.path);
  await corpus.make(place.path, signal);
  await markComplete(place);
  return place;
}

export async function isComplete({ path, markerFile }: PreparedCorpus): Promise<boolean> {
  if (!existsSync(path) || !existsSync(markerFile)) return false;
  return (await readFile(markerFile, "utf8")) === markerText;
}

export async function markComplete({ markerFile }: PreparedCorpus): Promise<void> {
  await writeFile(markerFile, markerText);
}

const markerText = `version ${corporaVersion}\n`;
