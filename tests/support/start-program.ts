import { type ChildProcess, spawn } from "node:child_process";
import type { RunOptions, RunResult } from "./run.ts";

/** A program that runs beside the test; it is stopped with its scope. */
export interface RunningProgram extends AsyncDisposable {
  readonly process: ChildProcess;
  /** How it ended. */
  readonly ended: Promise<RunResult>;
  /** Resolves once it has printed this, on either stream; rejects if it ends without, or says nothing of the kind for a minute. */
  until(text: string | RegExp): Promise<void>;
  /** All that it has printed so far, on either stream. */
  printed(): string;
  /** Sends a signal, SIGTERM unless told, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<RunResult>;
}

/** Far more than anything takes that a test waits for: this says what was printed instead, where a test's own time limit is silent. */
const untilMaxMs = 60_000;

export function startProgram(
  command: string,
  args: readonly string[],
  { cwd, env }: Pick<RunOptions, "cwd" | "env"> = {},
): RunningProgram {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
      for (const listener of listeners) listener();
    });
  const ended = new Promise<RunResult>((resolve, reject) =>
    child.on("error", reject).on("close", (code) => resolve({ code: code ?? -1, ...printed })),
  );
  const until = async (text: string | RegExp) => {
    const isThere = () => (typeof text === "string" ? both().includes(text) : text.test(both()));
    const both = () => printed.stdout + printed.stderr;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const listener = () => {
      if (isThere()) resolve();
    };
    listeners.add(listener);
    listener();
    void ended.then(() => reject(new Error(`It ended without printing ${String(text)}:\n${both()}`)), reject);
    const tooLong = setTimeout(() => reject(new Error(`It did not print ${String(text)}:\n${both()}`)), untilMaxMs);
    await promise.finally(() => {
      clearTimeout(tooLong);
      listeners.delete(listener);
    });
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    child.kill(signal);
    return await ended;
  };
  return {
    process: child,
    ended,
    until,
    printed: () => printed.stdout + printed.stderr,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}
