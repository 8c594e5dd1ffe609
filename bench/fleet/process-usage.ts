import { readdir, readFile } from "node:fs/promises";

/** What a process, or several, used at one moment. */
export interface Usage {
  /** Of all its threads and of the children that it has waited for, since its start. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Like RSS, but what several processes share counts in part for each: their sum is what they take together. */
  readonly pssBytes: number;
}

/** One line of `/proc/PID/stat` (proc_pid_stat(5)), as far as it matters here. */
export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  readonly cpuMs: number;
  readonly childrenCpuMs: number;
}

/** USER_HZ: what the kernel shows to programs is in hundredths of a second on every Linux. */
const tickMs = 10;

export async function usageOf(pid: number): Promise<Usage> {
  const stat = await readStat(pid);
  return { cpuMs: (stat?.cpuMs ?? 0) + (stat?.childrenCpuMs ?? 0), ...(await memoryOf(pid)) };
}

/** All processes that `pid` has started, and those that they have started: but not itself. */
export async function usageOfDescendants(pid: number): Promise<Usage> {
  const below = descendants(await readAllStats(), pid);
  const memory = await Promise.all(below.map(async (each) => await memoryOf(each.pid)));
  return {
    // A child that has ended is in its parent's sum, which is one of these.
    cpuMs: sum(below.map((each) => each.cpuMs + each.childrenCpuMs)),
    rssBytes: sum(memory.map(({ rssBytes }) => rssBytes)),
    pssBytes: sum(memory.map(({ pssBytes }) => pssBytes)),
  };
}

export function descendants(all: readonly ProcessStat[], pid: number): ProcessStat[] {
  const children = all.filter(({ parentPid }) => parentPid === pid);
  return children.flatMap((child) => [child, ...descendants(all, child.pid)]);
}

/** Undefined for a process that has just ended. */
async function readStat(pid: number): Promise<ProcessStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseStat(text);
}

/** The program's name is in parentheses and may hold both spaces and parentheses. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = (from: number, to: number) => sum(fields.slice(from, to).map(Number)) * tickMs;
  return {
    pid: Number.parseInt(text, 10),
    parentPid: Number(fields[1]),
    // Fields 14 to 17 of the manual: utime, stime, cutime, cstime.
    cpuMs: ticks(11, 13),
    childrenCpuMs: ticks(13, 15),
  };
}

async function readAllStats(): Promise<ProcessStat[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(readStat));
  return stats.filter((stat) => stat !== undefined);
}

async function memoryOf(pid: number): Promise<Pick<Usage, "rssBytes" | "pssBytes">> {
  return parseMemory(await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => ""));
}

/** The lines of `smaps_rollup` are in units of 1024 bytes, whatever they say. */
export function parseMemory(smapsRollup: string): Pick<Usage, "rssBytes" | "pssBytes"> {
  const bytesOf = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(smapsRollup)?.[1] ?? 0) * 1024;
  return { rssBytes: bytesOf("Rss"), pssBytes: bytesOf("Pss") };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
