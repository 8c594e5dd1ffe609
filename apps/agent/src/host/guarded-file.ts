import { open } from "node:fs/promises";
import { AgentError } from "../errors/agent-error.ts";
import { systemErrorCode } from "../errors/system-error.ts";

/** POSIX permission bits by which others than the owner can change the file. */
const othersWriteBits = 0o022;

/**
 * Reads a file with which this machine allows what the network may ask of it: whoever can change it decides, so it is refused unless only the agent's own user
 * or root can. Undefined if there is none. Rejects with `bad-settings`; `power` says what a change could do.
 */
export async function readGuarded(file: string, power: string): Promise<string | undefined> {
  try {
    await using handle = await open(file, "r");
    // The opened file is asked, not its name: the name may stand for another file a moment later.
    const { mode, uid } = await handle.stat();
    if (process.getuid !== undefined) {
      if (uid !== 0 && uid !== process.getuid())
        throw refused(file, power, `belongs to another user (${uid})`, `Run \`chown ${process.getuid()} '${file}'\`.`);
      if ((mode & othersWriteBits) !== 0)
        throw refused(
          file,
          power,
          `can be written by others (mode ${(mode & 0o777).toString(8)})`,
          `Run \`chmod go-w '${file}'\`.`,
        );
    }
    return await handle.readFile("utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    if (error instanceof AgentError) throw error;
    throw new AgentError("bad-settings", `Could not read ${file}: ${systemErrorCode(error)}`, { cause: error });
  }
}

function refused(file: string, power: string, why: string, remedy: string): AgentError {
  return new AgentError("bad-settings", `${file} ${why}: whoever can change it could ${power}.`, {
    hint: `${remedy} Look at what is in it first.`,
  });
}
