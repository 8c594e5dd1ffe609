import { Option } from "commander";
import type { RepositoryStats, StatsMode } from "@saveos/engine";
import { exitCode } from "../errors/exit-code.ts";
import { type SelectionOptions, selectSnapshots, snapshotFilter } from "../repository/select-snapshots.ts";
import { formatBytes, formatCount, formatPercent } from "../terminal/quantities.ts";
import { padEnd } from "../terminal/text-width.ts";
import { aroundDamage } from "./around-damage.ts";
import { addCommand, type CommandLine, onRun } from "./command-line.ts";
import { withReadableRepository } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { summaries } from "./summaries.ts";

const modes: readonly StatsMode[] = ["restore-size", "files-by-contents", "blobs-per-file", "raw-data"];

interface StatsOptions extends SelectionOptions {
  readonly mode: StatsMode;
}

/** `saveos-agent stats` */
export function addStats(line: CommandLine): void {
  const command = addCommand(line.program, "stats [snapshots...]", {
    summary: summaries.stats,
    description:
      "restore-size: what a restore of them all would write. files-by-contents: the same, equal files once. " +
      "blobs-per-file: by path and content. raw-data: what they take in the repository.",
    examples: ["saveos-agent stats latest", "saveos-agent stats --mode raw-data"],
  });
  addSelectionOptions(command).addOption(
    new Option("--mode <mode>", "what to count").choices(modes).default("restore-size"),
  );
  onRun<StatsOptions>(line, command, async (invocation) =>
    withReadableRepository(invocation, async (repository, signal) => {
      const { world, options, operands, print } = invocation;
      const { loadIndex, repositoryStats } = await import("@saveos/engine");
      let missing = 0;
      const snapshots = await selectSnapshots(repository, operands, snapshotFilter(options, world.env), {
        signal,
        onMissing: async (message) => {
          missing += 1;
          await print.warn(message);
        },
        onUnreadable: (message) => void print.warn(message),
      });
      await loadIndex(repository, { signal, ...aroundDamage(print) });
      const stats = await repositoryStats(repository, { mode: options.mode, snapshots, signal });
      await print.result(...textLines(stats, options.mode));
      await print.record(statsRecord(stats));
      return missing > 0 && missing === operands.length ? exitCode.failed : exitCode.done;
    }),
  );
}

function textLines(stats: RepositoryStats, mode: StatsMode): string[] {
  const { totalSize, totalFileCount, totalBlobCount, totalUncompressedSize, snapshotsCount } = stats;
  const rows: [string, string | undefined][] = [
    ["Snapshots", formatCount(snapshotsCount)],
    ["Files and folders", totalFileCount === undefined ? undefined : formatCount(totalFileCount)],
    ["Blobs", totalBlobCount === undefined ? undefined : formatCount(totalBlobCount)],
    ["Uncompressed size", totalUncompressedSize === undefined ? undefined : formatBytes(totalUncompressedSize)],
    [mode === "raw-data" ? "Size in repository" : "Size", formatBytes(totalSize)],
    ["Saved by compression", savedText(stats)],
  ];
  const width = Math.max(...rows.filter(([, value]) => value !== undefined).map(([title]) => title.length));
  return rows.flatMap(([title, value]) => (value === undefined ? [] : [`${padEnd(title, width)}  ${value}`]));
}

function savedText({ totalSize, totalUncompressedSize }: RepositoryStats): string | undefined {
  if (!totalUncompressedSize) return undefined;
  return formatPercent((1 - totalSize / totalUncompressedSize) * 100);
}

/** As restic's `stats --json`. */
function statsRecord(stats: RepositoryStats): Record<string, number | undefined> {
  const { totalSize, totalFileCount, totalBlobCount, totalUncompressedSize, snapshotsCount } = stats;
  const compression = totalUncompressedSize
    ? {
        compression_ratio: totalSize === 0 ? 0 : totalUncompressedSize / totalSize,
        compression_progress: 100,
        compression_space_saving: (1 - totalSize / totalUncompressedSize) * 100,
      }
    : {};
  return {
    total_size: totalSize,
    total_uncompressed_size: totalUncompressedSize,
    ...compression,
    total_file_count: totalFileCount,
    total_blob_count: totalBlobCount,
    snapshots_count: snapshotsCount,
  };
}
