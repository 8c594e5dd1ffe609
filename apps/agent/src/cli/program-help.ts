import type { Command, Help } from "commander";

/** What a newcomer looks for first comes first. Every command is in one group. */
const groups: readonly { readonly title: string; readonly names: readonly string[] }[] = [
  { title: "Back up and restore", names: ["backup", "restore", "snapshots", "ls", "find", "diff", "dump"] },
  {
    title: "This machine and its server",
    names: ["register", "status", "daemon", "unreadable", "hooks", "seal-restore", "vault"],
  },
  { title: "Snapshots that are there", names: ["forget", "tag", "rewrite", "copy"] },
  { title: "Repository", names: ["init", "check", "prune", "repair", "stats", "unlock", "key", "recover"] },
];

/** The help of the program itself: commands in groups, then the options that all of them understand. */
export function programHelp(program: Command, helper: Help): string {
  const commands = helper.visibleCommands(program);
  const options = helper.visibleOptions(program);
  const width = Math.max(
    ...commands.map((command) => command.name().length),
    ...options.map((option) => option.flags.length),
  );
  const item = (term: string, text: string) => helper.formatItem(term, width, text, helper);
  const grouped = groups.flatMap(({ title, names }) => [
    "",
    `${title}:`,
    ...commands
      .filter((command) => names.includes(command.name()))
      .map((command) => item(command.name(), command.summary())),
  ]);
  return [
    helper.commandDescription(program),
    "",
    `Usage: ${helper.commandUsage(program)}`,
    ...grouped,
    "",
    "Options of every command:",
    ...options.map((option) => item(option.flags, helper.optionDescription(option))),
    "",
    "Examples:",
    "  $ saveos-agent backup ~/Documents",
    "  $ saveos-agent restore latest --target /tmp/restored",
    "",
    "`saveos-agent <command> --help` tells more about a command.",
    "",
  ].join("\n");
}
