import { isProcessGone, machineFacts } from "../host/facts.ts";
import { plural } from "../terminal/quantities.ts";
import { addCommand, type CommandLine, onRun } from "./command-line.ts";
import { openForCommand } from "./repository-command.ts";
import { summaries } from "./summaries.ts";

/** `saveos-agent unlock` */
export function addUnlock(line: CommandLine): void {
  const command = addCommand(line.program, "unlock", {
    summary: summaries.unlock,
    description: "A lock counts as left behind after 30 minutes, or when its process on this machine is gone.",
    examples: ["saveos-agent unlock"],
  });
  command.option("--remove-all", "remove all locks: only when nothing works on the repository");
  onRun<{ readonly removeAll?: true }>(line, command, async (invocation) => {
    const { world, options, print } = invocation;
    const { unlock } = await import("@saveos/engine");
    await using opened = await openForCommand(invocation, { useCache: false });
    const removed = await unlock(opened.repository, {
      removeAll: options.removeAll === true,
      hostname: machineFacts().hostname,
      isProcessGone,
      signal: world.signal,
    });
    await print.result(removed === 0 ? "No locks to remove" : `Removed ${plural(removed, "lock")}`);
  });
}
