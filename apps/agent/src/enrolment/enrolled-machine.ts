import { AgentError } from "../errors/agent-error.ts";
import type { World } from "../world.ts";
import { type AgentConfig, readConfig } from "../host/config-file.ts";
import { findHome, type Home } from "../host/home.ts";
import { readSecrets } from "../host/secrets-file.ts";

/** What an enrolled machine works with. */
export interface EnrolledMachine {
  readonly home: Home;
  readonly config: AgentConfig;
  readonly credential: string;
  readonly repositoryPassword: string;
}

export function homeOf(world: World, { system }: { readonly system: boolean }): Home {
  return findHome({ platform: world.platform, env: world.env, homeFolder: world.homeFolder, system });
}

/** Undefined if this machine is not enrolled; rejects with `bad-settings` if it is, but something of it is lost. */
export async function findEnrolment(home: Home): Promise<EnrolledMachine | undefined> {
  const config = await readConfig(home.configFile);
  if (config === undefined) return undefined;
  const { credential, repositoryPassword } = await readSecrets(home.secretsFile);
  if (credential === undefined || repositoryPassword === undefined)
    throw new AgentError(
      "bad-settings",
      `${home.secretsFile} lacks the ${credential === undefined ? "credential" : "repository password"}.`,
      {
        hint: "Bring the file back from a copy. Without the repository's password no backup can be opened.",
      },
    );
  return { home, config, credential, repositoryPassword };
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
