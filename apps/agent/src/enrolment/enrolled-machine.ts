import { AgentError } from "../errors/agent-error.ts";
import type { World } from "../world.ts";
import { type AgentConfig, readConfig } from "../host/config-file.ts";
import { findHome, type Home } from "../host/home.ts";
import { readSecrets } from "../host/secrets-file.ts";
import { MachineSecrets } from "./machine-secrets.ts";

/** What an enrolled machine works with. */
export interface EnrolledMachine {
  readonly home: Home;
  readonly config: AgentConfig;
  readonly secrets: MachineSecrets;
}

export function homeOf(world: World, { system }: { readonly system: boolean }): Home {
  return findHome({ platform: world.platform, env: world.env, homeFolder: world.homeFolder, system });
}

/** Undefined if this machine is not enrolled; rejects with `bad-settings` if it is, but something of it is lost. */
export async function findEnrolment(home: Home): Promise<EnrolledMachine | undefined> {
  const config = await readConfig(home.configFile);
  if (config === undefined) return undefined;
  const { credential, repositoryPassword, identity } = await readSecrets(home.secretsFile);
  if (repositoryPassword === undefined)
    throw lacking(home, "repository password", "Without the repository's password no backup can be opened.");
  if (credential === undefined)
    throw lacking(home, "credential", "Or enrol this machine anew, with the repository's password.");
  if (identity === undefined)
    throw lacking(home, "identity", "If it never had one, enrol this machine anew, with the repository's password.");
  return { home, config, secrets: new MachineSecrets(home.secretsFile, { credential, repositoryPassword, identity }) };
}

function lacking({ secretsFile }: Home, what: string, more: string): AgentError {
  return new AgentError("bad-settings", `${secretsFile} lacks the ${what}.`, {
    hint: `Bring the file back from a copy. ${more}`,
  });
}

/** Rejects with `not-enrolled` if this machine has no server. */
export async function requireEnrolment(world: World, options: { readonly system: boolean }): Promise<EnrolledMachine> {
  const enrolled = await findEnrolment(homeOf(world, options));
  if (enrolled !== undefined) return enrolled;
  throw await notEnrolled(world, options);
}

/** The error for a command that found no server, with the hint that helps most. */
export async function notEnrolled(world: World, { system }: { readonly system: boolean }): Promise<AgentError> {
  const serviceIsEnrolled =
    !system && (await readConfig(homeOf(world, { system: true }).configFile).catch(() => undefined)) !== undefined;
  return new AgentError("not-enrolled", "This machine is not enrolled with a server.", {
    hint: serviceIsEnrolled
      ? "The service on this machine is: run the command with --system, as root."
      : "To enrol this machine: `saveos-agent register FILE`, with the file that an administrator gave you.",
  });
}
