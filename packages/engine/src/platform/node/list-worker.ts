import { workerData } from "node:worker_threads";
import { type EntryColumns, EntryTable } from "../../format/entry-table.ts";
import { DirectoryWalk, type DirectoryWalkStart } from "../../source/directory-walk.ts";
import type { EntriesOptions } from "../../source/file-source.ts";
import { answerMessages } from "./answer-messages.ts";
import { nodeSource } from "./node-source.ts";

/* The entry of a worker thread: lists directories ahead of a scan. */

export type ListWorkerData = Pick<EntriesOptions, "withAtime">;

/** Asks for the next directories of a walk. */
export interface ListQuestion {
  /** Each walk has its number. */
  readonly walk: number;
  /** With the first question of a walk. */
  readonly start?: DirectoryWalkStart | undefined;
  /** Nobody needs what comes before this path any more. */
  readonly from: string;
  /** Nobody asks for these walks any more. */
  readonly over: readonly number[];
}

export interface ListedDirectories {
  readonly paths: readonly string[];
  /** How many rows each has; undefined if it was not listed. */
  readonly counts: readonly (number | undefined)[];
  /** The directories' entries one after another. */
  readonly columns: EntryColumns;
  /** The walk has come to its end. */
  readonly isEnd: boolean;
}

/** Enough that a message costs nothing beside the work. */
const entriesAtOnce = 1024;
const directoriesAtOnce = 128;

const source = nodeSource();
const walks = new Map<number, DirectoryWalk>();

answerMessages(async (question) => {
  const { walk: number, start, from, over } = question as ListQuestion;
  for (const each of over) walks.delete(each);
  if (start) walks.set(number, new DirectoryWalk(source, start, workerData as ListWorkerData));
  const value = await listMore(walks.get(number), from);
  const { words, nameBytes, nameEnds } = value.columns;
  return { value, handedOver: [words.buffer, nameBytes.buffer, nameEnds.buffer] };
});

async function listMore(walk: DirectoryWalk | undefined, from: string): Promise<ListedDirectories> {
  const all = new EntryTable();
  const paths: string[] = [];
  const counts: (number | undefined)[] = [];
  while (all.count < entriesAtOnce && paths.length < directoriesAtOnce) {
    const directory = await walk?.next(from);
    if (!walk || !directory) return { paths, counts, columns: all.columns(), isEnd: true };
    if (directory.isListed) all.addRows(walk.entries, 0, walk.entries.count);
    paths.push(directory.path);
    counts.push(directory.isListed ? walk.entries.count : undefined);
  }
  return { paths, counts, columns: all.columns(), isEnd: false };
}
