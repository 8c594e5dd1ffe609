import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { promisify } from "node:util";
import { AgentError } from "../errors/agent-error.ts";
import { systemErrorCode } from "../errors/system-error.ts";
import { replaceFile } from "./durable-file.ts";
import { parseObject } from "./text-fields.ts";

/** What nobody but the agent may read. Each is undefined until it exists. */
export interface Secrets {
  /** Proves to the server which machine this is. */
  readonly credential: string | undefined;
  /** Opens the repository. It never leaves this machine. */
  readonly repositoryPassword: string | undefined;
  /** An age identity: opens what was sealed to this machine. */
  readonly identity: string | undefined;
}

/** POSIX permission bits by which others than the owner get at a file. */
const othersBits = 0o077;

/**
 * Reads the secrets; nothing stored yet is no error. Rejects with `bad-settings` if others than the owner may read the file: a secret that
 * others could read must be noticed, not used.
 */
export async function readSecrets(file: string): Promise<Secrets> {
  const text = await readOwnerOnly(file);
  if (text === undefined) return { credential: undefined, repositoryPassword: undefined, identity: undefined };
  const fields = parseObject(file, text);
  return {
    credential: textOf(fields["credential"]),
    repositoryPassword: textOf(fields["repository_password"]),
    identity: textOf(fields["identity"]),
  };
}

/** Replaces the secrets whole, readable by the owner only from the first byte on. */
export async function writeSecrets(file: string, secrets: Secrets): Promise<void> {
  const fields = {
    credential: secrets.credential,
    repository_password: secrets.repositoryPassword,
    identity: secrets.identity,
  };
  await replaceFile(file, `${JSON.stringify(fields, undefined, 2)}\n`, { beforeContent: narrowOnWindows });
}

async function readOwnerOnly(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file, "r");
    // The opened file is asked, not its name: the name may stand for another file a moment later.
    const { mode } = await handle.stat();
    if (process.platform !== "win32" && (mode & othersBits) !== 0)
      throw new AgentError("bad-settings", `${file} can be read by others (mode ${(mode & 0o777).toString(8)}).`, {
        hint: `Run \`chmod 600 '${file}'\`. If others may have read it, ask an administrator to revoke this machine, and enrol it anew.`,
      });
    return await handle.readFile("utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    if (error instanceof AgentError) throw error;
    throw new AgentError("bad-settings", `Could not read the secrets ${file}: ${systemErrorCode(error)}`, {
      cause: error,
      hint: "Run as the user who enrolled this machine, or with sudo.",
    });
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Windows has no modes: the file's access list is cut to SYSTEM, Administrators and the user. By well-known ids, since group names are
 * translated. Not run on a Windows machine by our tests yet.
 */
async function narrowOnWindows(file: string): Promise<void> {
  if (process.platform !== "win32") return;
  const user = process.env["USERNAME"] ?? "";
  const grants = ["*S-1-5-18:F", "*S-1-5-32-544:F", ...(user === "" ? [] : [`${user}:F`])];
  await promisify(execFile)("icacls", [file, "/inheritance:r", ...grants.flatMap((grant) => ["/grant:r", grant])]);
}
