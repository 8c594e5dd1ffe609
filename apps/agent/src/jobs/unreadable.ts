import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Problem } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";

/** One file or folder that a backup could not read. */
export interface UnreadableEntry {
  /** As a person may see it. */
  readonly path: string;
  /** The system's code, such as `EACCES`. */
  readonly code: string;
  readonly message: string;
}

/** Jobs that keep their list: weeks of backups that go wrong every day. */
const jobsMax = 50;
/** More names than this nobody reads, and a disk that dies gives one for every file. */
const entriesMax = 100_000;
const ending = ".unreadable";

/**
 * What a backup could not read: counted by the system's codes for the server, and with its names in a file on this machine, for whoever has to
 * put it right (`saveos-agent unreadable`). Losing that file is no reason to lose the backup.
 */
export class UnreadableList implements AsyncDisposable {
  readonly #file: string;
  readonly #warn: (message: string) => void;
  readonly #counts = new Map<string, number>();
  #entries = 0;
  #stream: WriteStream | undefined;

  private constructor(file: string, warn: (message: string) => void) {
    this.#file = file;
    this.#warn = warn;
  }

  /** The file is made with its first entry. */
  static async open(stateFolder: string, jobId: string, warn: (message: string) => void): Promise<UnreadableList> {
    const folder = folderIn(stateFolder);
    const list = new UnreadableList(path.join(folder, jobId + ending), warn);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const files = await listFiles(stateFolder);
      // One place is for this job.
      for (const { jobId: old } of files.slice(jobsMax - 1)) await rm(path.join(folder, old + ending), { force: true });
    } catch (error) {
      warn(`The list of what could not be read can't be kept: ${messageOf(error)}`);
    }
    return list;
  }

  /** `shownPath`: as a person may see it. */
  note({ message, cause }: Problem, shownPath: string): void {
    const code = codeOf(cause);
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    this.#entries += 1;
    if (this.#entries > entriesMax) return;
    this.#stream ??= this.#openFile();
    this.#stream.write(`${JSON.stringify({ path: shownPath, code, message } satisfies UnreadableEntry)}\n`);
  }

  /** How many by which code; undefined if everything could be read. */
  get counts(): Record<string, number> | undefined {
    return this.#counts.size === 0 ? undefined : Object.fromEntries(this.#counts);
  }

  /** Resolves when the file holds it all. */
  async [Symbol.asyncDispose](): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || stream.destroyed) return;
    await new Promise<void>((resolve) => {
      stream.once("close", resolve);
      stream.end();
    });
  }

  #openFile(): WriteStream {
    const stream = createWriteStream(this.#file, { mode: 0o600 });
    stream.on("error", (error) =>
      this.#warn(`The list of what could not be read can't be written: ${messageOf(error)}`),
    );
    return stream;
  }
}

/** The system's code behind a problem; where it is none of the system's, what is wrong with it in a word. */
function codeOf(cause: unknown): string {
  if (cause === undefined) return "unsupported";
  return (
    (cause instanceof Error && "systemCode" in cause && typeof cause.systemCode === "string" && cause.systemCode) ||
    "unknown"
  );
}

export interface KeptList {
  readonly jobId: string;
  readonly writtenAt: Date;
}

/** The lists that are kept, newest first. */
export async function listFiles(stateFolder: string): Promise<KeptList[]> {
  const folder = folderIn(stateFolder);
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  });
  const kept: KeptList[] = [];
  for (const name of names.filter((candidate) => candidate.endsWith(ending)))
    kept.push({ jobId: name.slice(0, -ending.length), writtenAt: (await stat(path.join(folder, name))).mtime });
  return kept.sort((a, b) => b.writtenAt.getTime() - a.writtenAt.getTime());
}

/** What the job could not read. */
export async function readList(stateFolder: string, { jobId }: KeptList): Promise<UnreadableEntry[]> {
  const text = await readFile(path.join(folderIn(stateFolder), jobId + ending), "utf8");
  return text.split("\n").flatMap((line) => entryOf(line) ?? []);
}

/** The list of a job named by its id or the beginning of it; the newest if none is named. Rejects with `usage`. */
export async function findList(stateFolder: string, wanted: string | undefined): Promise<KeptList | undefined> {
  const kept = await listFiles(stateFolder);
  if (wanted === undefined) return kept[0];
  const fitting = kept.filter(({ jobId }) => jobId.startsWith(wanted));
  if (fitting.length === 1) return fitting[0];
  throw new AgentError(
    "usage",
    fitting.length === 0
      ? `No list is kept of a job ${wanted}.`
      : `More than one job begins with ${wanted}: give more of its id.`,
    {
      hint: `There are lists of the last ${jobsMax} jobs that could not read something, and none of jobs that read everything.`,
    },
  );
}

function folderIn(stateFolder: string): string {
  return path.join(stateFolder, "jobs");
}

/** Undefined for a line that was cut off. */
function entryOf(line: string): UnreadableEntry | undefined {
  try {
    return JSON.parse(line) as UnreadableEntry;
  } catch {
    return undefined;
  }
}
