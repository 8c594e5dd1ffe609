import { addCommand, type CommandLine, onRun } from "./command-line.ts";
import { version } from "./version.ts";
import { summaries } from "./summaries.ts";

/** `saveos-agent version`: JSON as restic's, for scripts that ask. */
export function addVersion(line: CommandLine): void {
  const command = addCommand(line.program, "version", {
    summary: summaries.version,
    examples: ["saveos-agent version --json"],
  });
  onRun(line, command, async ({ print }) => {
    await print.result(`saveos-agent ${version} on Node ${process.versions.node}, ${process.platform}/${process.arch}`);
    await print.record({
      message_type: "version",
      version,
      node_version: process.versions.node,
      os: process.platform,
      arch: process.arch,
    });
  });
}
