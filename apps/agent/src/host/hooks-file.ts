import { open } from "node:fs/promises";
import { hookName } from "@saveos/contract";
import { AgentError } from "../errors/agent-error.ts";
import { systemErrorCode } from "../errors/system-error.ts";
import { parseObject } from "./text-fields.ts";

/** Program and arguments. No shell reads them. */
export type HookCommand = readonly [program: string, ...args: string[]];

/** POSIX permission bits by which others than the owner can change the file. */
const othersWriteBits = 0o022;

/**
 * The commands that orders may run on this machine, by their names. The commands never come from the network: whoever may write this file
 * decides, so it is refused unless only the agent's own user or root can. No file means that nothing is allowed. Rejects with `bad-settings`.
 */
export async function readHooks(file: string): Promise<ReadonlyMap<string, HookCommand>> {
  const text = await readGuarded(file);
  if (text === undefined) return new Map();
  return new Map(Object.entries(parseObject(file, text)).map(([name, value]) => [name, commandOf(file, name, value)]));
}

async function readGuarded(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file, "r");
    // The opened file is asked, not its name: the name may stand for another file a moment later.
    const { mode, uid } = await handle.stat();
    if (process.getuid !== undefined) {
      if (uid !== 0 && uid !== process.getuid())
        throw refused(file, `belongs to another user (${uid})`, `Run \`chown ${process.getuid()} '${file}'\`.`);
      if ((mode & othersWriteBits) !== 0)
        throw refused(
          file,
          `can be written by others (mode ${(mode & 0o777).toString(8)})`,
          `Run \`chmod go-w '${file}'\`.`,
        );
    }
    return await handle.readFile("utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    if (error instanceof AgentError) throw error;
    throw new AgentError("bad-settings", `Could not read the hooks ${file}: ${systemErrorCode(error)}`, {
      cause: error,
    });
  }
}

function refused(file: string, why: string, remedy: string): AgentError {
  return new AgentError("bad-settings", `${file} ${why}: whoever can change it could run anything as the agent.`, {
    hint: `${remedy} Look at what is in it first.`,
  });
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
