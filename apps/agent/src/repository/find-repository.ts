import { readFile } from "node:fs/promises";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";
import { type EnrolledMachine, findEnrolment, homeOf, notEnrolled } from "../enrolment/enrolled-machine.ts";
import type { World } from "../world.ts";
import { mainRepository } from "./repository-role.ts";
import type { GlobalOptions } from "../cli/global-options.ts";

/** Which repository a command means. */
export type RepositoryChoice =
  | { readonly kind: "named"; readonly location: string }
  | {
      readonly kind: "enrolled";
      readonly machine: EnrolledMachine;
      /** Below the server's URL, of another repository than the machine's own. */
      readonly repositoryPath?: string | undefined;
    };

/**
 * The repository on the command line, in the environment (SAVEOS_REPOSITORY, then restic's variables), or the one that the server keeps for
 * this machine. Rejects with `not-enrolled` if there is none of these.
 */
export async function findRepository(
  world: World,
  options: Pick<GlobalOptions, "repo" | "repositoryFile" | "system">,
): Promise<RepositoryChoice> {
  const location = await namedLocation(world, options);
  if (location !== undefined) return { kind: "named", location };
  const machine = await findEnrolment(homeOf(world, options));
  if (machine !== undefined) return { kind: "enrolled", machine };
  const { hint } = await notEnrolled(world, options);
  throw new AgentError("not-enrolled", "No repository was named, and this machine is not enrolled with a server.", {
    hint: `Name a repository with --repo or SAVEOS_REPOSITORY, or use a server. ${hint}`,
  });
}

/** The location of a repository as it is named by the options or by the environment; undefined if it is not. */
export async function namedLocation(
  { env }: World,
  { repo, repositoryFile }: Pick<GlobalOptions, "repo" | "repositoryFile">,
  { optionPrefix, variablePrefix } = mainRepository,
): Promise<string | undefined> {
  const variable = (name: string) => env[name.replace("_", `_${variablePrefix}`)];
  if (repo !== undefined && repositoryFile !== undefined)
    throw new AgentError("usage", `--${optionPrefix}repo and --${optionPrefix}repository-file can't be used together.`);
  if (repo !== undefined) return repo;
  if (repositoryFile !== undefined) return await locationFromFile(repositoryFile);
  const location = variable("SAVEOS_REPOSITORY") || variable("RESTIC_REPOSITORY");
  if (location) return location;
  const file = variable("RESTIC_REPOSITORY_FILE");
  return file ? await locationFromFile(file) : undefined;
}

async function locationFromFile(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new AgentError(
      "usage",
      `Could not read the repository file ${file}: ${systemErrorCode(cause) ?? messageOf(cause)}`,
      { cause },
    );
  });
  if (text.trim() === "") throw new AgentError("usage", `The repository file ${file} is empty.`);
  return text.trim();
}
