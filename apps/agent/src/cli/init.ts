import { AgentError } from "../errors/agent-error.ts";
import { machineFacts } from "../host/facts.ts";
import { findNewPassword, findPassword } from "../repository/find-password.ts";
import { findRepository } from "../repository/find-repository.ts";
import { repositoryDeps } from "../repository/open-repository.ts";
import { addCommand, type CommandLine, onRun } from "./command-line.ts";
import { connectForCommand } from "./repository-command.ts";
import { summaries } from "./summaries.ts";

/** `saveos-agent init` */
export function addInit(line: CommandLine): void {
  const command = addCommand(line.program, "init", {
    summary: summaries.init,
    description: "The place must be empty. Without its password a repository can't be opened by anybody, ever.",
    examples: ["saveos-agent -r /srv/backups init --password-file ~/.backup-password"],
  });
  onRun(line, command, async (invocation) => {
    const { world, global, print } = invocation;
    const { initRepository } = await import("@saveos/engine");
    const choice = await findRepository(world, global);
    if (choice.kind === "enrolled")
      throw new AgentError("usage", "This machine's repository was made when it was enrolled.", {
        hint: "Name another repository with --repo to make one.",
      });
    const isAsked = world.askSecret !== undefined && !hasPassword(global, world.env);
    const password = isAsked ? await findNewPassword(world, undefined) : await findPassword(world, global);
    await using connected = await connectForCommand(invocation, choice);
    const deps = await repositoryDeps(world, connected.store);
    const { hostname, username } = machineFacts();
    const repository = await initRepository(deps, { password, hostname, username, signal: world.signal });
    await print.result(`Created repository ${repository.config.id.slice(0, 10)} at ${repository.store.label}`);
    await print.info("Keep its password safe: without it the backups can't be opened, by nobody.");
    await print.record({ message_type: "initialized", id: repository.config.id, repository: choice.location });
  });
}

/** Tells whether a password comes from somewhere else than the person at the terminal, who must type a new one twice. */
function hasPassword(
  { passwordFile, passwordCommand }: { passwordFile: string | undefined; passwordCommand: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const variables = ["SAVEOS_PASSWORD", "RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND"];
  return passwordFile !== undefined || passwordCommand !== undefined || variables.some((name) => Boolean(env[name]));
}
