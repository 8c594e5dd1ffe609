import { readFile } from "node:fs/promises";
import type { RunningProgram } from "../support/start-program.ts";

export interface Measured {
  readonly seconds: number;
  /** The most memory that the process held at once. */
  readonly peakMebibytes: number;
}

const askAgainMs = 100;

/** Follows a program to its end, which must be a good one. */
export async function measure(program: RunningProgram): Promise<Measured> {
  const startedMs = performance.now();
  let peakKibibytes = 0;
  const timer = setInterval(() => {
    void readFile(`/proc/${program.process.pid}/status`, "utf8").then(
      (text) => (peakKibibytes = Math.max(peakKibibytes, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))),
      () => undefined,
    );
  }, askAgainMs);
  const { code, stdout, stderr } = await program.ended;
  clearInterval(timer);
  if (code !== 0) throw new Error(`It ended with ${code}:\n${stdout}${stderr}`);
  return { seconds: (performance.now() - startedMs) / 1000, peakMebibytes: Math.round(peakKibibytes / 1024) };
}
