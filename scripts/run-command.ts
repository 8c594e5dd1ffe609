import { spawn } from "node:child_process";

export interface CommandResult {
  readonly name: string;
  readonly ok: boolean;
  /** Standard output and error, as they came. */
  readonly output: string;
  readonly seconds: number;
}

/** Runs a program to its end. A program that can't be started is a failure with its reason as output. */
export async function runCommand(name: string, command: string, args: readonly string[]): Promise<CommandResult> {
  const startedMs = performance.now();
  return await new Promise((resolve) => {
    const chunks: string[] = [];
    const end = (ok: boolean) =>
      resolve({ name, ok, output: chunks.join(""), seconds: (performance.now() - startedMs) / 1000 });
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.setEncoding("utf8").on("data", (text: string) => chunks.push(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => chunks.push(text));
    child.on("error", (error) => {
      chunks.push(error.message);
      end(false);
    });
    child.on("close", (code) => end(code === 0));
  });
}
