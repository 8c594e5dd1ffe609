import { spawn } from "node:child_process";
import { AgentError } from "../errors/agent-error.ts";

/**
 * What a command prints, as bytes. It throws after the last byte if the command failed: half a dump must not pass for a whole one.
 */
export async function* commandOutput(
  words: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const [program, ...args] = words;
  if (program === undefined) throw new AgentError("usage", "--stdin-from-command needs a command to run.");
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], signal });
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, killedBy) =>
      resolve(code === 0 ? undefined : `ended with ${killedBy ?? `exit code ${code}`}`),
    );
  });
  for await (const chunk of child.stdout) yield chunk as Uint8Array;
  const failure = await ended;
  signal.throwIfAborted();
  if (failure !== undefined)
    throw new AgentError("usage", `The command ${program} failed: ${failure}. No snapshot was made.`);
}
