import { type ChildProcess, execFile, spawn } from "node:child_process";
import type { Clock } from "@saveos/engine";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";
import { nowMs } from "./clock.ts";

export interface ProgramRequest {
  /** Program and arguments; no shell reads them. */
  readonly command: readonly [program: string, ...args: string[]];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined;
  /** Of what it prints, so many characters are kept. */
  readonly outputMaxChars: number;
  readonly clock: Clock;
  /** How long it may take to end once it is told to; unless told, 10 s after the timeout and 3 s after the signal. */
  readonly graceMs?: number;
}

export type ProgramEnd = {
  readonly seconds: number;
  /** The beginning of what it printed, both streams. */
  readonly output: string;
} & (
  | { readonly kind: "ended"; readonly code: number }
  | { readonly kind: "killed"; readonly by: string }
  | { readonly kind: "not-started"; readonly reason: string }
  | { readonly kind: "timed-out" }
  | { readonly kind: "stopped" }
);

/** A service that is told to stop gets so long by convention. */
const graceAfterTimeoutMs = 10_000;
/** Who cancels a job waits for its end. */
const graceAfterSignalMs = 3_000;
const pollMs = 50;
/** What it left running may hold on to its output: so long for the last of its own to arrive. */
const lastOutputMs = 500;

/**
 * Runs a program to its end, in a process group of its own. After its time, or when the signal aborts, the whole group is told to stop
 * (SIGTERM), and killed if it does not. What a program that ends by itself leaves running is left alone: starting something may be its purpose.
 * Never rejects.
 */
export async function runProgram(request: ProgramRequest): Promise<ProgramEnd> {
  const { timeoutMs, signal, clock } = request;
  const startedMs = nowMs(clock);
  const seconds = () => (nowMs(clock) - startedMs) / 1000;
  const started = start(request);
  if ("reason" in started) return { kind: "not-started", reason: started.reason, seconds: 0, output: "" };
  const output = keepOutput(started, request.outputMaxChars);
  const exited = exitOf(started);
  const waiting = new AbortController();
  const stopSignal = AbortSignal.any([waiting.signal, ...(signal === undefined ? [] : [signal])]);
  const outOfTime = clock.sleep(timeoutMs, { signal: stopSignal }).then(
    () => "timed-out" as const,
    () => (signal?.aborted === true ? ("stopped" as const) : undefined),
  );
  const cutOff = await Promise.race([exited.then(() => undefined), outOfTime]);
  waiting.abort();
  if (cutOff !== undefined)
    await stopGroup(
      started,
      request.graceMs ?? (cutOff === "stopped" ? graceAfterSignalMs : graceAfterTimeoutMs),
      clock,
    );
  const end = await exited;
  await output.done();
  if (cutOff !== undefined) return { kind: cutOff, seconds: seconds(), output: output.text };
  return { ...end, seconds: seconds(), output: output.text };
}

type Exit =
  | { readonly kind: "ended"; readonly code: number }
  | { readonly kind: "killed"; readonly by: string }
  | { readonly kind: "not-started"; readonly reason: string };

function start({ command: [program, ...args], env }: ProgramRequest): ChildProcess | { readonly reason: string } {
  try {
    return spawn(program, args, {
      env,
      cwd: process.platform === "win32" ? process.env["SystemRoot"] : "/",
      stdio: ["ignore", "pipe", "pipe"],
      shell: false,
      // A group of its own, so that all of it can be stopped. Windows would open a console for it.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
  } catch (error) {
    return { reason: systemErrorCode(error) ?? messageOf(error) };
  }
}

async function exitOf(child: ChildProcess): Promise<Exit> {
  return await new Promise<Exit>((resolve) => {
    child.once("error", (error) =>
      resolve({ kind: "not-started", reason: systemErrorCode(error) ?? messageOf(error) }),
    );
    child.once("exit", (code, by) =>
      resolve(code === null ? { kind: "killed", by: by ?? "a signal" } : { kind: "ended", code }),
    );
  });
}

function keepOutput(child: ChildProcess, maxChars: number) {
  let text = "";
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    // Read to the end, or the program would wait for somebody to read on.
    stream?.on("data", (chunk: string) => {
      text += chunk.slice(0, maxChars - text.length);
    });
    stream?.on("error", () => undefined);
  }
  return {
    get text() {
      return text;
    },
    async done() {
      const patience = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lastOutputMs);
        void closed.then(() => clearTimeout(timer));
      });
      await Promise.race([closed, patience]);
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  };
}

async function stopGroup(child: ChildProcess, graceMs: number, clock: Clock): Promise<void> {
  if (process.platform === "win32") return await stopTree(child);
  sendToGroup(child, "SIGTERM");
  for (let waitedMs = 0; waitedMs < graceMs && sendToGroup(child, 0); waitedMs += pollMs) await clock.sleep(pollMs);
  sendToGroup(child, "SIGKILL");
}

/** False if nobody of the group is left. */
function sendToGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Windows knows no request to stop. Not run on a Windows machine by our tests yet. */
async function stopTree({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  await new Promise<void>((resolve) => execFile("taskkill", ["/pid", String(pid), "/t", "/f"], () => resolve()));
}
