import { Option } from "commander";
import type { TagChange } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { type SelectionOptions, selectSnapshots, snapshotFilter } from "../repository/select-snapshots.ts";
import { plural } from "../terminal/quantities.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { collectTags } from "./parse-values.ts";
import { openForCommand } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { summaries } from "./summaries.ts";

interface TagOptions extends SelectionOptions {
  readonly set?: readonly (readonly string[])[];
  readonly add?: readonly (readonly string[])[];
  readonly remove?: readonly (readonly string[])[];
}

/** `saveos-agent tag` */
export function addTag(line: CommandLine): void {
  const command = addCommand(line.program, "tag [snapshots...]", {
    summary: summaries.tag,
    description:
      "Without names, all snapshots that the filter leaves. A snapshot with other tags has another id; it remembers its first.",
    examples: ["saveos-agent tag --add keep 4bba301e", "saveos-agent tag --set '' --host web1"],
  });
  const tags = (flags: string, what: string) => command.addOption(new Option(flags, what).argParser(collectTags));
  tags("--set <tags>", "the tags to have from now on, such as a,b (repeatable); '' for none");
  tags("--add <tags>", "tags to add (repeatable)");
  tags("--remove <tags>", "tags to remove (repeatable)");
  addSelectionOptions(command);
  onRun<TagOptions>(line, command, runTag);
}

async function runTag(invocation: Invocation<TagOptions>): Promise<void> {
  const { world, options, operands, print } = invocation;
  const { tagSnapshots } = await import("@saveos/engine");
  const change = tagChange(options);
  const filter = snapshotFilter(options, world.env);
  const { signal } = world;
  await using opened = await openForCommand(invocation);
  const named =
    operands.length === 0
      ? undefined
      : await selectSnapshots(opened.repository, operands, filter, {
          signal,
          onMissing: (message) => print.warn(message),
          onUnreadable: (message) => void print.warn(message),
        });
  const changed = await tagSnapshots(opened.repository, {
    change,
    snapshotIds: named?.map(({ id }) => id),
    filter,
    lock: opened.lock,
    signal,
    onChanged: ({ oldId, newId }) => {
      void print.record({ message_type: "changed", old_snapshot_id: oldId, new_snapshot_id: newId });
      void print.detail(1, `${oldId.slice(0, 8)} is now ${newId.slice(0, 8)}`);
    },
    onUnreadable: (_id, error) => void print.warn(`${error.message}. It is passed over, and stays as it is.`),
  });
  await print.result(changed === 0 ? "No snapshot was changed" : `Changed ${plural(changed, "snapshot")}`);
  await print.record({ message_type: "summary", changed_snapshots: changed });
}

function tagChange({ set, add, remove }: TagOptions): TagChange {
  // The empty tag is how a person writes "none".
  const named = (lists: readonly (readonly string[])[] = []) => lists.flat().filter((tag) => tag !== "");
  if (set === undefined) return { add: named(add), remove: named(remove) };
  if (add !== undefined || remove !== undefined)
    throw new AgentError("usage", "--set can't stand beside --add or --remove.", {
      hint: "--set says all the tags that the snapshots are to have.",
    });
  return { set: named(set) };
}
