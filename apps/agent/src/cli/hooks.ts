import { homeOf } from "../enrolment/enrolled-machine.ts";
import { readHooks } from "../host/hooks-file.ts";
import { plural } from "../terminal/quantities.ts";
import { padEnd } from "../terminal/text-width.ts";
import { addCommand, type CommandLine, onRun } from "./command-line.ts";
import { summaries } from "./summaries.ts";

/** `saveos-agent hooks` */
export function addHooks(line: CommandLine): void {
  const command = addCommand(line.program, "hooks", {
    summary: summaries.hooks,
    description:
      "Orders name commands, and hooks.json beside config.json says what each name means on this machine: " +
      '{ "stop-db": { "command": ["/usr/bin/systemctl", "stop", "postgresql"] } }. Only the agent\'s user or root may be able to write it.',
    examples: ["saveos-agent hooks", "sudo saveos-agent hooks --system"],
  });
  onRun(line, command, async ({ world, global, print }) => {
    const { hooksFile } = homeOf(world, global);
    const hooks = [...(await readHooks(hooksFile))];
    const width = Math.max(0, ...hooks.map(([name]) => name.length));
    await print.result(
      hooks.length === 0
        ? `Orders may run no commands on this machine: ${hooksFile} is not there, or empty.`
        : `Orders may run ${plural(hooks.length, "command")} on this machine (${hooksFile})`,
      ...hooks.map(([name, words]) => `${padEnd(name, width)}  ${words.map(shownWord).join(" ")}`),
    );
    for (const [name, words] of hooks) await print.record({ message_type: "hook", name, command: words });
  });
}

/** As a shell would need it, so that words with spaces are told apart. */
function shownWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word);
}
