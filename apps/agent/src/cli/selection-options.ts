import { type Command, Option } from "commander";
import { collect, collectTags } from "./parse-values.ts";

/** Adds `--host`, `--tag` and `--path`, which choose snapshots. */
export function addSelectionOptions(command: Command): Command {
  return command
    .addOption(new Option("-H, --host <host>", "only snapshots of this host (repeatable)").argParser(collect))
    .addOption(
      new Option("--tag <tags>", "only snapshots with these tags, such as a,b (repeatable)").argParser(collectTags),
    )
    .addOption(
      new Option("--path <path>", "only snapshots of this path (repeatable: of all of them)").argParser(collect),
    );
}
