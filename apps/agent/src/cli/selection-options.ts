import { type Command, Option } from "commander";
import { collect, collectTags } from "./parse-values.ts";

/** Adds `--host`, `--tag` and `--path`, which choose snapshots. `-H` is `--host` unless the command has another use for it. */
export function addSelectionOptions(command: Command, { hostFlags = "-H, --host" } = {}): Command {
  return command
    .addOption(new Option(`${hostFlags} <host>`, "only snapshots of this host (repeatable)").argParser(collect))
    .addOption(
      new Option("--tag <tags>", "only snapshots with these tags, such as a,b (repeatable)").argParser(collectTags),
    )
    .addOption(
      new Option("--path <path>", "only snapshots of this path (repeatable: of all of them)").argParser(collect),
    );
}
