import { spawn } from "node:child_process";

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A promise leaves the program waiting for its input until there is one. */
  readonly input?: string | Uint8Array | Promise<string>;
  /** A signal ends the program with SIGTERM. */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end, whatever its exit code. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return await new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      signal: options.signal,
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    // A program may end before it has read its input.
    child.stdin.on("error", () => undefined);
    if (options.input instanceof Promise) void options.input.then((text) => child.stdin.end(text));
    else child.stdin.end(options.input);
    child.on("error", reject).on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

/** Runs a program that must succeed, and resolves with what it printed. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${stderr}\n${stdout}`);
  return stdout;
}
