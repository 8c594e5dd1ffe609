import { hookName } from "@saveos/contract";
import { AgentError } from "../errors/agent-error.ts";
import { readGuarded } from "./guarded-file.ts";
import { parseObject } from "./text-fields.ts";

/** Program and arguments. No shell reads them. */
export type HookCommand = readonly [program: string, ...args: string[]];

/**
 * The commands that orders may run on this machine, by their names. The commands never come from the network: whoever may write this file
 * decides, so it is refused unless only the agent's own user or root can. No file means that nothing is allowed. Rejects with `bad-settings`.
 */
export async function readHooks(file: string): Promise<ReadonlyMap<string, HookCommand>> {
  const text = await readGuarded(file, "run anything as the agent");
  if (text === undefined) return new Map();
  return new Map(Object.entries(parseObject(file, text)).map(([name, value]) => [name, commandOf(file, name, value)]));
}

function commandOf(file: string, name: string, value: unknown): HookCommand {
  if (!hookName.safeParse(name).success)
    throw malformed(file, `${JSON.stringify(name)} is no name of lower-case letters, digits, - and _`);
  const fields = typeof value === "object" && value !== null ? value : {};
  const command: unknown = "command" in fields ? fields.command : undefined;
  if (!isCommand(command)) throw malformed(file, `"${name}" has no "command" with the program and its arguments`);
  const other = Object.keys(fields).find((field) => field !== "command");
  // It would be believed to work.
  if (other !== undefined) throw malformed(file, `"${name}" has ${JSON.stringify(other)}, which means nothing here`);
  return command;
}

function isCommand(value: unknown): value is HookCommand {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value[0] !== "" &&
    value.every((part) => typeof part === "string" && !part.includes("\0"))
  );
}

function malformed(file: string, what: string): AgentError {
  return new AgentError("bad-settings", `In ${file}, ${what}.`, {
    hint: 'Write { "stop-db": { "command": ["/usr/bin/systemctl", "stop", "postgresql"] } }.',
  });
}
