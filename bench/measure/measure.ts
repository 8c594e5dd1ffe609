import { type ChildProcess, spawn } from "node:child_process";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { BenchError } from "../bench-error.ts";
import { cleanEnvironment, type Command } from "./command.ts";
import type { LaunchReport } from "./launch.ts";

/** What a run took. Whose memory: see `launch.ts`. */
export interface Measured {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

export interface MeasureOptions {
  /** Everything that the program prints goes there. It is no terminal, so nobody draws progress. */
  readonly logFile: string;
  /** Ends the program and all that it started; the promise rejects once they have gone. */
  readonly signal: AbortSignal;
}

/** Ten times what the slowest work takes here: this is for programs that hang. */
const runMaxMs = 60 * 60_000;

/** Runs a program, which must end with 0, and measures it. Throws `BenchError` with the end of what it printed otherwise. */
export async function measure(command: Command, { logFile, signal: stopped }: MeasureOptions): Promise<Measured> {
  stopped.throwIfAborted();
  const tooLong = AbortSignal.timeout(runMaxMs);
  const signal = AbortSignal.any([stopped, tooLong]);
  await using log = await open(logFile, "w");
  const launcher = startLauncher(command, log);
  const end = new Promise<void>((resolve, reject) => launcher.on("error", reject).on("close", () => resolve()));
  const stop = () => void stopGroup(launcher);
  signal.addEventListener("abort", stop, { once: true });
  const [, printed] = await Promise.all([end, text(launcher.stdio[3] as Readable)]).finally(() =>
    signal.removeEventListener("abort", stop),
  );
  stopped.throwIfAborted();
  if (tooLong.aborted) throw new BenchError(`${inWords(command)}: has not ended after ${runMaxMs / 60_000} minutes`);
  const report = printed === "" ? undefined : (JSON.parse(printed) as LaunchReport);
  if (report?.exitCode !== 0) throw new BenchError(await failureText(command, report, logFile));
  const { wallSeconds, cpuSeconds, peakBytes } = report;
  return { wallSeconds, cpuSeconds, peakBytes };
}

function startLauncher({ program, args, env, cwd }: Command, log: FileHandle): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, "launch.ts"), program, ...args], {
    env: { ...cleanEnvironment(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ["ignore", log.fd, log.fd, "pipe"],
    // A process group of its own: the terminal's Ctrl-C reaches the bench only, which then ends the whole group.
    detached: true,
  });
}

/** Programs get this long to go by themselves. */
const graceMs = 5000;

async function stopGroup(launcher: ChildProcess): Promise<void> {
  if (launcher.pid === undefined) return;
  const group = -launcher.pid;
  const timer = setTimeout(() => process.kill(group, "SIGKILL"), graceMs);
  launcher.once("close", () => clearTimeout(timer));
  process.kill(group, "SIGTERM");
}

const shownLogCharacters = 2000;

async function failureText(command: Command, report: LaunchReport | undefined, log: string): Promise<string> {
  const how =
    report?.error ?? (report === undefined || report.exitCode === null ? "was ended" : `ended with ${report.exitCode}`);
  const output = (await readFile(log, "utf8")).trim().slice(-shownLogCharacters);
  return `${inWords(command)}: ${how}\n${output}`;
}

function inWords({ program, args }: Command): string {
  return [basename(program), ...args].join(" ");
}
