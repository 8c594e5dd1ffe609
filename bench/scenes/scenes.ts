import { bigFiles, type Corpus, sourceTree, tinyFiles, wideFolder } from "../corpora/corpus.ts";
import type { Work } from "../results/results.ts";

/** Something to measure: data, a place for the repository, and works. */
export type Scene = CorpusScene | IndexScene;

export interface CorpusScene {
  readonly kind: "corpus";
  readonly name: string;
  readonly title: string;
  readonly corpus: Corpus;
  /** A repository in a local folder, or at a SaveOS server on loopback. */
  readonly store: "folder" | "server";
  readonly works: readonly Work[];
}

/** How long a huge repository takes to open, measured by backing up next to nothing into it. */
export interface IndexScene {
  readonly kind: "index";
  readonly name: string;
  readonly title: string;
  readonly blobs: number;
  readonly works: readonly Work[];
}

export const defaultScenes = ["source", "big", "tiny", "server"] as const;
/** Only when asked for by name. */
export const furtherScenes = ["wide-directory", "index-5m"] as const;
export type SceneName = (typeof defaultScenes)[number] | (typeof furtherScenes)[number];

const mib = 1024 * 1024;
const corpusWorks: readonly Work[] = ["full", "unchanged", "changed", "restore", "check"];

/** The scenes at their real size, or at one that all of them together take two minutes for. */
export function makeScenes({ quick }: { quick: boolean }): Readonly<Record<SceneName, Scene>> {
  const source = sourceTree(quick ? 4000 : 131_000);
  return {
    source: local("source", source),
    big: local("big", bigFiles(quick ? 128 * mib : 4096 * mib)),
    tiny: local("tiny", tinyFiles(quick ? 6000 : 200_000)),
    server: {
      kind: "corpus",
      name: "server",
      title: "through a server: the source tree again, over TLS on loopback",
      corpus: source,
      store: "server",
      works: ["full"],
    },
    "wide-directory": local("wide-directory", wideFolder(quick ? 20_000 : 1_000_000)),
    "index-5m": {
      kind: "index",
      name: "index-5m",
      title: quick ? "a repository of 100,000 blobs" : "a repository of 5 million blobs",
      blobs: quick ? 100_000 : 5_000_000,
      works: ["open", "open-again"],
    },
  };
}

function local(name: string, corpus: Corpus): CorpusScene {
  return { kind: "corpus", name, title: corpus.title, corpus, store: "folder", works: corpusWorks };
}
