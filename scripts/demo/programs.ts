import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { DemoError } from "./screen.ts";

const project = join(import.meta.dirname, "../..");

/** The programs as they are installed in a checkout. */
export const serverProgram = join(project, "apps/server/src/cli.ts");
export const agentProgram = join(project, "apps/agent/src/start.js");

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line that it prints, as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs one of our programs, or another, to its end; resolves with what it printed. It must succeed. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const child = start(command, args, options);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const seen = stdout.lastIndexOf("\n") + 1;
    stdout += text;
    for (const line of stdout.slice(seen, stdout.lastIndexOf("\n") + 1).split("\n"))
      if (line !== "") options.onLine?.(line);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await ended(child);
  if (code !== 0)
    throw new DemoError(
      `${command.split("/").at(-1) ?? command} ${args[0] ?? ""} ended with ${code}: ${stderr.trim() || stdout.trim()}`,
    );
  return stdout;
}

/** Starts one of our programs (by its `.ts` file) or another. */
export function start(command: string, args: readonly string[], { env = {} }: ProgramOptions = {}): ChildProcess {
  const [program, programArgs] = command.endsWith(".ts") ? [process.execPath, [command, ...args]] : [command, args];
  return spawn(program, programArgs, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C reaches the demo only, which then stops its programs in the right order.
    detached: true,
  });
}

export async function ended(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null) return child.exitCode;
  return await new Promise((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve(code ?? 1));
  });
}

/** Asks a program to stop, and waits until it has. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = ended(child);
  child.kill("SIGTERM");
  await end;
}
