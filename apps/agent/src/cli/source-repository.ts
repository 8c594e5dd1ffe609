import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { findPassword } from "../repository/find-password.ts";
import { namedLocation } from "../repository/find-repository.ts";
import { sourceRepository } from "../repository/repository-role.ts";
import type { Invocation } from "./command-line.ts";
import { type OpenedForCommand, openChosen } from "./repository-command.ts";

/** The repository to copy from, as the command line has it. */
export interface SourceOptions {
  readonly fromRepo?: string;
  readonly fromRepositoryFile?: string;
  readonly fromPasswordFile?: string;
  readonly fromPasswordCommand?: string;
  readonly fromKeyHint?: string;
}

/** Adds restic's options for a second repository. */
export function addSourceOptions(command: Command): Command {
  return command
    .option("--from-repo <repository>", "repository to copy from")
    .option("--from-repository-file <file>", "file that holds its location")
    .option("--from-password-file <file>", "file that holds its password")
    .option("--from-password-command <command>", "command that prints its password")
    .option("--from-key-hint <id>", "its key to try first");
}

/** Opens the repository to copy from. Leave its scope to end the connection. */
export async function openSource(invocation: Invocation<SourceOptions>): Promise<OpenedForCommand> {
  const { world, global, options } = invocation;
  const named = { repo: options.fromRepo, repositoryFile: options.fromRepositoryFile };
  const location = await namedLocation(world, named, sourceRepository);
  if (location === undefined)
    throw new AgentError("usage", "No repository to copy from was named.", {
      hint: "Name it with --from-repo, and its password with --from-password-file.",
    });
  const password = { passwordFile: options.fromPasswordFile, passwordCommand: options.fromPasswordCommand };
  const keyHint = options.fromKeyHint ?? (world.env["RESTIC_FROM_KEY_HINT"] || undefined);
  return await openChosen(
    { ...invocation, global: { ...global, keyHint } },
    { kind: "named", location },
    async () => await findPassword(world, password, sourceRepository),
  );
}
