import type { ObjectId } from "../format/ids.ts";
import type { RestorePlan } from "./restore-plan.ts";

/** A run of one pack to be read at once, and the parts of files that are in it, in the order of their blobs. */
export interface ContentTask {
  readonly pack: ObjectId;
  /** Where the run begins in the pack, in bytes. */
  readonly start: number;
  readonly end: number;
  /** Numbers of the plan. */
  readonly parts: Uint32Array;
}

/** Reading a gap of this size costs less than another request does. */
const gapMaxBytes = 1024 * 1024;
/**
 * What is read at once, unless a single blob is larger. Measured on two cores, 131,000 files of source: runs of 8 MiB took 12 % more CPU and 10 MB more
 * memory, runs of 2 MiB saved nothing more and are twice as many requests.
 */
export const runMaxBytes = 4 * 1024 * 1024;

/** Cuts what a restore has to read into tasks: pack by pack in the order of first use, neighbours joined. */
export function contentTasks(plan: RestorePlan): ContentTask[] {
  return [...plan.missingByPack()].flatMap(({ pack, parts }) => runsOf(plan, pack, parts));
}

function runsOf(plan: RestorePlan, pack: ObjectId, parts: Uint32Array): ContentTask[] {
  const runs: ContentTask[] = [];
  let first = 0;
  let start = 0;
  let end = 0;
  const close = (next: number): void => {
    if (next > first) runs.push({ pack, start, end, parts: parts.subarray(first, next) });
    first = next;
  };
  for (const [at, part] of parts.entries()) {
    const blobStart = plan.blobOffset(part);
    const blobEnd = blobStart + plan.blobLength(part);
    // The same blob again, for another file, is in the run already.
    const isJoined = blobStart - end <= gapMaxBytes && Math.max(end, blobEnd) - start <= runMaxBytes;
    if (at === first || (!isJoined && blobEnd > end)) {
      close(at);
      start = blobStart;
      end = blobEnd;
    } else end = Math.max(end, blobEnd);
  }
  close(parts.length);
  return runs;
}

/**
 * Hands tasks to lanes: each lane has a stretch of its own, so that two lanes do not write into one directory or file at a time, whose lock they would
 * wait for; whoever is through takes from the end of the longest stretch.
 */
export class TaskQueue {
  readonly #tasks: readonly ContentTask[];
  readonly #stretches: { next: number; end: number }[];

  constructor(tasks: readonly ContentTask[], lanes: number) {
    this.#tasks = tasks;
    const border = (lane: number): number => Math.round((lane * tasks.length) / lanes);
    this.#stretches = Array.from({ length: lanes }, (_, lane) => ({ next: border(lane), end: border(lane + 1) }));
  }

  *tasksOf(lane: number): Generator<ContentTask, void, undefined> {
    for (let task = this.#take(lane); task; task = this.#take(lane)) yield task;
  }

  /** No task is handed out any more. */
  close(): void {
    for (const stretch of this.#stretches) stretch.end = stretch.next;
  }

  #take(lane: number): ContentTask | undefined {
    const own = this.#stretches[lane];
    if (own && own.next < own.end) return this.#tasks[own.next++];
    const longest = this.#stretches.reduce((a, b) => (b.end - b.next > a.end - a.next ? b : a));
    return longest.next < longest.end ? this.#tasks[--longest.end] : undefined;
  }
}
