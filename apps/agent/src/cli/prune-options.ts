import { type Command, Option } from "commander";
import type { PruneRequest } from "@saveos/engine";
import type { Invocation } from "./command-line.ts";
import { parseSizeBytes } from "./parse-values.ts";

/** Options of `prune`, and of other commands that prune at their end. */
export interface PruneOptions {
  readonly maxUnused: string;
  readonly maxRepackSize?: number;
  readonly repackCacheableOnly?: true;
  readonly repackSmallerThan?: number;
  readonly repackUncompressed?: true;
}

export function addPruneOptions(command: Command): Command {
  const size = (flags: string, description: string) =>
    command.addOption(new Option(flags, description).argParser(parseSizeBytes));
  command.option("--max-unused <limit>", "how much unused data may stay: 5%, 500M or unlimited", "5%");
  size("--max-repack-size <size>", "repack no more than this");
  command.option("--repack-cacheable-only", "repack packs of folders only, not of data");
  size("--repack-smaller-than <size>", "repack packs below this size, if there are ten of them");
  // It was restic's before it became the rule.
  command.addOption(new Option("--repack-small", "small packs are repacked anyhow").hideHelp());
  return command.option("--repack-uncompressed", "repack all data that is not compressed");
}

/** What the options ask of the engine. */
export async function pruneSettings({
  options,
  global,
}: Pick<Invocation<PruneOptions>, "options" | "global">): Promise<
  Pick<
    PruneRequest,
    | "maxUnused"
    | "maxRepackBytes"
    | "smallPackBytes"
    | "repackCacheableOnly"
    | "repackUncompressed"
    | "compression"
    | "packSizeBytes"
  >
> {
  const { parseMaxUnused } = await import("@saveos/engine");
  return {
    maxUnused: parseMaxUnused(options.maxUnused),
    maxRepackBytes: options.maxRepackSize,
    smallPackBytes: options.repackSmallerThan,
    repackCacheableOnly: options.repackCacheableOnly,
    repackUncompressed: options.repackUncompressed,
    compression: global.compression,
    packSizeBytes: global.packSizeBytes,
  };
}
