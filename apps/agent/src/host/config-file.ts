import { readFile } from "node:fs/promises";
import { AgentError } from "../errors/agent-error.ts";
import { systemErrorCode } from "../errors/system-error.ts";
import { replaceFile } from "./durable-file.ts";
import { parseTextFields } from "./text-fields.ts";

/** Which server this machine is enrolled with, and as whom. Nothing in it is secret. */
export interface AgentConfig {
  /** Without a slash at its end. */
  readonly serverUrl: string;
  /** PEM: the only authority whose certificates the agent trusts. */
  readonly certificateAuthority: string;
  readonly agentId: string;
  readonly repositoryId: string;
  /** Below the server's URL, with a slash at its start. */
  readonly repositoryPath: string;
  /** False from the moment the token is spent until the repository has been opened once. */
  readonly repositoryReady: boolean;
}

/** Undefined if there is no such file; rejects with `bad-settings` if it is no configuration. */
export async function readConfig(file: string): Promise<AgentConfig | undefined> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw new AgentError("bad-settings", `Could not read the configuration ${file}: ${systemErrorCode(error)}`, {
      cause: error,
    });
  });
  if (text === undefined) return undefined;
  const fields = parseTextFields(file, text, [
    "server_url",
    "certificate_authority",
    "agent_id",
    "repository_id",
    "repository_path",
    "repository_state",
  ]);
  return {
    serverUrl: fields.server_url,
    certificateAuthority: fields.certificate_authority,
    agentId: fields.agent_id,
    repositoryId: fields.repository_id,
    repositoryPath: fields.repository_path,
    repositoryReady: fields.repository_state === "ready",
  };
}

const configMode = 0o644;

export async function writeConfig(file: string, config: AgentConfig): Promise<void> {
  const fields = {
    server_url: config.serverUrl,
    certificate_authority: config.certificateAuthority,
    agent_id: config.agentId,
    repository_id: config.repositoryId,
    repository_path: config.repositoryPath,
    repository_state: config.repositoryReady ? "ready" : "not-yet-created",
  };
  await replaceFile(file, `${JSON.stringify(fields, undefined, 2)}\n`, { mode: configMode });
}

/** The address of the repository that the server keeps for this machine. */
export function repositoryUrl(config: AgentConfig): string {
  return `${config.serverUrl}${config.repositoryPath}`;
}
