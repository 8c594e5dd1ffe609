import { AgentError } from "../errors/agent-error.ts";
import { machineFacts } from "../host/facts.ts";
import { findNewPassword, findPassword } from "../repository/find-password.ts";
import { findRepository } from "../repository/find-repository.ts";
import { repositoryDeps } from "../repository/open-repository.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { connectForCommand } from "./repository-command.ts";
import { addSourceOptions, openSource, type SourceOptions } from "./source-repository.ts";
import { summaries } from "./summaries.ts";

interface InitOptions extends SourceOptions {
  readonly copyChunkerParams?: true;
}

/** `saveos-agent init` */
export function addInit(line: CommandLine): void {
  const command = addCommand(line.program, "init", {
    summary: summaries.init,
    description: "The place must be empty. Without its password a repository can't be opened by anybody, ever.",
    examples: [
      "saveos-agent -r /srv/backups init --password-file ~/.backup-password",
      "saveos-agent -r /mnt/usb init --copy-chunker-params --from-repo /srv/backups",
    ],
  });
  addSourceOptions(command).option(
    "--copy-chunker-params",
    "cut files as the repository named by --from-repo does, for `copy`",
  );
  onRun<InitOptions>(line, command, async (invocation) => {
    const { world, global, print } = invocation;
    const { initRepository } = await import("@saveos/engine");
    const choice = await findRepository(world, global);
    if (choice.kind === "enrolled")
      throw new AgentError("usage", "This machine's repository was made when it was enrolled.", {
        hint: "Name another repository with --repo to make one.",
      });
    const chunkerPolynomial = await polynomialToCopy(invocation);
    const isAsked = world.askSecret !== undefined && !hasPassword(global, world.env);
    const password = isAsked ? await findNewPassword(world, undefined) : await findPassword(world, global);
    await using connected = await connectForCommand(invocation, choice);
    const deps = await repositoryDeps(world, connected.store);
    const { hostname, username } = machineFacts();
    const repository = await initRepository(deps, {
      password,
      hostname,
      username,
      chunkerPolynomial,
      signal: world.signal,
    });
    await print.result(`Created repository ${repository.config.id.slice(0, 10)} at ${repository.store.label}`);
    await print.info("Keep its password safe: without it the backups can't be opened, by nobody.");
    await print.record({ message_type: "initialized", id: repository.config.id, repository: choice.location });
  });
}

/** How the other repository cuts files; undefined if that was not asked for. */
async function polynomialToCopy(invocation: Invocation<InitOptions>): Promise<bigint | undefined> {
  const { copyChunkerParams, fromRepo, fromRepositoryFile } = invocation.options;
  if (copyChunkerParams) {
    await using source = await openSource(invocation);
    return source.repository.config.chunkerPolynomial;
  }
  if (fromRepo === undefined && fromRepositoryFile === undefined) return undefined;
  throw new AgentError("usage", "--from-repo means nothing without --copy-chunker-params.");
}

/** Tells whether a password comes from somewhere else than the person at the terminal, who must type a new one twice. */
function hasPassword(
  { passwordFile, passwordCommand }: { passwordFile: string | undefined; passwordCommand: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const variables = ["SAVEOS_PASSWORD", "RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND"];
  return passwordFile !== undefined || passwordCommand !== undefined || variables.some((name) => Boolean(env[name]));
}
