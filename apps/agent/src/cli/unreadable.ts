import { homeOf } from "../enrolment/enrolled-machine.ts";
import { findList, readList } from "../jobs/unreadable.ts";
import { plural } from "../terminal/quantities.ts";
import { padEnd } from "../terminal/text-width.ts";
import { addCommand, type CommandLine, onRun } from "./command-line.ts";
import { summaries } from "./summaries.ts";

/** `saveos-agent unreadable` */
export function addUnreadable(line: CommandLine): void {
  const command = addCommand(line.program, "unreadable [job]", {
    summary: summaries.unreadable,
    description:
      "The server only knows how many there were: the names stay here, for the last 50 jobs that could not read something. " +
      "The job is an id or the beginning of one; without it, the newest.",
    examples: ["saveos-agent unreadable", "sudo saveos-agent unreadable --system 7d3c"],
  });
  onRun(line, command, async ({ world, global, operands, print }) => {
    const { stateFolder } = homeOf(world, global);
    const list = await findList(stateFolder, operands[0]);
    if (list === undefined) {
      await print.result("Every job of this machine could read everything.");
      return;
    }
    const { jobId, writtenAt } = list;
    const entries = await readList(stateFolder, list);
    const width = Math.max(0, ...entries.map(({ code }) => code.length));
    await print.result(
      `Job ${jobId} could not read ${plural(entries.length, "file or folder", "files and folders")} (${writtenAt.toISOString()})`,
      ...entries.map(({ code, path }) => `${padEnd(code, width)}  ${path}`),
    );
    for (const entry of entries) await print.record({ message_type: "unreadable", job_id: jobId, ...entry });
  });
}
