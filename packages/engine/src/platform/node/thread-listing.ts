import { EntryTable } from "../../format/entry-table.ts";
import { compareNames } from "../../format/names.ts";
import { childPath } from "../../source/backup-rules.ts";
import { compareInWalk, type DirectoryWalkStart } from "../../source/directory-walk.ts";
import type { ListingAhead } from "../../source/listing-ahead.ts";
import { AnsweringThread } from "./answering-thread.ts";
import type { ListedDirectories, ListQuestion, ListWorkerData } from "./list-worker.ts";

/** While one answer is on its way the thread works on the next. */
const questionsAtOnce = 2;
/** No more is asked for when so many entries wait: some 2 MB for a walk, with what is on its way. */
const entriesAhead = 8 * 1024;
/** What was asked for longer ago is looked at anew: whoever waits for a lock must not back up how things were before. */
const entriesMaxAgeMs = 5000;

/** Lists directories ahead in a worker thread. */
export class ThreadListing implements ListingAhead {
  readonly #options: ListWorkerData;
  readonly #nowMs: () => number;
  #thread: AnsweringThread | undefined;
  /** What was expected later is in a directory that was left out of what was expected before: it comes first. */
  readonly #walks: AheadWalk[] = [];
  #walkCount = 0;
  #over: number[] = [];
  #questions = 0;
  /** Until then a scan gets on faster by itself. */
  #hasAnswered = false;
  #isOver = false;

  constructor(options: ListWorkerData, nowMs = () => performance.now()) {
    this.#options = options;
    this.#nowMs = nowMs;
  }

  expect(start: DirectoryWalkStart): void {
    if (this.#walks.some((walk) => walk.covers(start.path))) return;
    this.#walkCount += 1;
    this.#walks.push(new AheadWalk(this.#walkCount, start));
    this.#ask();
  }

  async entries(path: string, into: EntryTable): Promise<boolean> {
    const walk = this.#walkTo(path);
    if (!walk) return false;
    for (;;) {
      this.#ask();
      const found = walk.take(path, into, this.#nowMs() - entriesMaxAgeMs);
      if (found !== "not yet" || !this.#hasAnswered) return found === "listed";
      await walk.nextAnswer;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#walks.length = 0;
    await this.#thread?.end();
  }

  /** The walk that comes to this directory, if there is one. Those that were expected later are over. */
  #walkTo(path: string): AheadWalk | undefined {
    const at = this.#walks.findLastIndex((walk) => walk.covers(path));
    if (at === -1) return undefined;
    for (const over of this.#walks.splice(at + 1)) this.#over.push(over.number);
    return this.#walks[at];
  }

  #ask(): void {
    const walk = this.#walks.at(-1);
    if (!walk || this.#isOver) return;
    while (this.#questions < questionsAtOnce && walk.mayAsk)
      walk.waitFor(this.#answer({ ...walk.nextQuestion(), over: this.#over.splice(0) }), this.#nowMs());
  }

  async #answer(question: ListQuestion): Promise<ListedDirectories | undefined> {
    this.#questions += 1;
    try {
      this.#thread ??= new AnsweringThread("list-worker", this.#options);
      return (await this.#thread.ask(question, [])) as ListedDirectories;
    } catch {
      // The scan goes on as if there were no thread.
      this.#isOver = true;
      return undefined;
    } finally {
      this.#questions -= 1;
      this.#hasAnswered = true;
    }
  }
}

/** What the thread lists from one start on. */
class AheadWalk {
  readonly number: number;
  readonly #start: DirectoryWalkStart;
  readonly #prefix: string;
  #isBegun = false;
  #isEnd = false;
  /** Where the scan is. */
  #from: string;
  readonly #answers: Promise<void>[] = [];
  readonly #batches: ListedBatch[] = [];
  #entriesHeld = 0;

  constructor(number: number, start: DirectoryWalkStart) {
    this.number = number;
    this.#start = start;
    this.#prefix = childPath(start.path, "");
    this.#from = start.path;
  }

  /** Whether it comes to this directory. */
  covers(path: string): boolean {
    if (!path.startsWith(this.#prefix)) return false;
    const nameStart = this.#prefix.length;
    const nameEnd = path.indexOf("/", nameStart);
    return hasName(this.#start.names, path.slice(nameStart, nameEnd === -1 ? undefined : nameEnd));
  }

  get mayAsk(): boolean {
    return !this.#isEnd && this.#entriesHeld < entriesAhead;
  }

  nextQuestion(): Pick<ListQuestion, "walk" | "start" | "from"> {
    const start = this.#isBegun ? undefined : this.#start;
    this.#isBegun = true;
    return { walk: this.number, start, from: this.#from };
  }

  /** Answers come in the order of their questions. */
  waitFor(answer: Promise<ListedDirectories | undefined>, askedMs: number): void {
    this.#answers.push(this.#hear(answer, askedMs));
  }

  /** Undefined if nothing is on its way. */
  get nextAnswer(): Promise<void> | undefined {
    return this.#answers[0];
  }

  async #hear(answer: Promise<ListedDirectories | undefined>, askedMs: number): Promise<void> {
    const listed = await answer;
    void this.#answers.shift();
    this.#isEnd ||= listed?.isEnd ?? true;
    if (!listed || listed.paths.length === 0) return;
    this.#batches.push(new ListedBatch(listed, askedMs));
    this.#entriesHeld += listed.columns.nameEnds.length;
  }

  /**
   * Puts the entries of this directory in the place of what is in `into`, if they are there and were asked for since `sinceMs`. What the scan has
   * passed by is forgotten.
   */
  take(path: string, into: EntryTable, sinceMs: number): "listed" | "not listed" | "not yet" {
    this.#from = path;
    for (let batch = this.#batches[0]; batch; batch = this.#batches[0]) {
      const order = compareInWalk(batch.path, path);
      if (order > 0) return "not listed";
      const isListed = order === 0 && batch.askedMs >= sinceMs && batch.copy(into);
      if (!batch.goOn()) {
        this.#batches.shift();
        this.#entriesHeld -= batch.free();
      }
      if (order === 0) return isListed ? "listed" : "not listed";
    }
    return this.#answers.length > 0 ? "not yet" : "not listed";
  }
}

/** Listed directories, one after another. */
class ListedBatch {
  readonly askedMs: number;
  readonly #listed: ListedDirectories;
  readonly #entries: EntryTable;
  #number = 0;
  #row = 0;

  constructor(listed: ListedDirectories, askedMs: number) {
    this.askedMs = askedMs;
    this.#listed = listed;
    this.#entries = EntryTable.of(listed.columns);
  }

  get path(): string {
    return this.#listed.paths[this.#number] ?? "";
  }

  /** False if this directory was not listed. */
  copy(into: EntryTable): boolean {
    const count = this.#listed.counts[this.#number];
    if (count === undefined) return false;
    into.clear();
    into.addRows(this.#entries, this.#row, this.#row + count);
    return true;
  }

  /** To the next directory, if there is one. */
  goOn(): boolean {
    this.#row += this.#listed.counts[this.#number] ?? 0;
    this.#number += 1;
    return this.#number < this.#listed.paths.length;
  }

  /** Gives the memory back, which the collector would notice late, and says of how many entries. */
  free(): number {
    const { count } = this.#entries;
    this.#entries.free();
    return count;
  }
}

/** `names` are in the order of their bytes. */
function hasName(names: readonly string[], name: string): boolean {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareNames(names[middle] ?? "", name);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}
