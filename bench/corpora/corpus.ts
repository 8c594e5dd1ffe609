import { makeBigFiles, makeSourceTree, makeTinyFiles, makeWideFolder } from "./corpora.ts";

/** Data to back up, the same for the same name, size and version on every machine. */
export interface Corpus {
  readonly name: string;
  readonly title: string;
  readonly files: number;
  /** About: for the disk space that is needed. */
  readonly diskBytes: number;
  /** How "1 % changed" changes it: files rewritten whole, or places within files. */
  readonly changes: "files" | "places";
  make(folder: string, signal: AbortSignal): Promise<void>;
}

/** Counted up whenever the bytes of a corpus become others: kept corpora of another version are made anew. */
export const corporaVersion = 1;

const kib = 1024;
const mib = 1024 * kib;
/** What the last block of a small file wastes, and its inode. */
const fileOverheadBytes = 2.5 * kib;

export function sourceTree(files: number): Corpus {
  return {
    name: `source-tree-${files}`,
    title: `source tree: ${count(files)} files, ${gigabytes(files * 10.5 * kib)}`,
    files,
    diskBytes: files * (10.5 * kib + fileOverheadBytes),
    changes: "files",
    make: async (folder, signal) => await makeSourceTree(folder, files, signal),
  };
}

export function bigFiles(totalBytes: number): Corpus {
  return {
    name: `big-files-${totalBytes / mib}`,
    title: `big files: 4 files, ${gigabytes(totalBytes)}, half of it random`,
    files: 4,
    diskBytes: totalBytes,
    changes: "places",
    make: async (folder, signal) => await makeBigFiles(folder, totalBytes, signal),
  };
}

export function tinyFiles(files: number): Corpus {
  return {
    name: `tiny-files-${files}`,
    title: `tiny files: ${count(files)} files of 2 KiB`,
    files,
    diskBytes: files * (2 * kib + fileOverheadBytes),
    changes: "files",
    make: async (folder, signal) => await makeTinyFiles(folder, files, signal),
  };
}

export function wideFolder(files: number): Corpus {
  return {
    name: `wide-folder-${files}`,
    title: `one folder of ${count(files)} files`,
    files,
    diskBytes: files * 2 * fileOverheadBytes,
    changes: "files",
    make: async (folder, signal) => await makeWideFolder(folder, files, signal),
  };
}

function count(number: number): string {
  return number.toLocaleString("en");
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
