import type { DiffSide, DiffStatistics, EntryChange, FoundSnapshot, Repository } from "@saveos/engine";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { formatBytes, formatCount, plural } from "../terminal/quantities.ts";
import { padEnd, padStart } from "../terminal/text-width.ts";
import type { Style } from "../terminal/style.ts";
import { aroundDamage } from "./around-damage.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { withReadableRepository } from "./repository-command.ts";
import { summaries } from "./summaries.ts";

interface DiffOptions {
  readonly metadata?: true;
}

/** `saveos-agent diff` */
export function addDiff(line: CommandLine): void {
  const command = addCommand(line.program, "diff <snapshot> <snapshot>", {
    summary: summaries.diff,
    description:
      "+ added, - removed, M content changed, T another type, U metadata changed, M? content changed and nothing else, as a failing disk does it.",
    examples: ["saveos-agent diff 5845b002 latest", "saveos-agent diff --metadata 5845b002:/etc latest:/etc"],
  });
  command.option("--metadata", "also tell of changed metadata: modes, owners, times, attributes");
  onRun<DiffOptions>(line, command, async (invocation) =>
    withReadableRepository(invocation, async (repository, signal) => await runDiff(invocation, repository, signal)),
  );
}

async function runDiff(
  invocation: Invocation<DiffOptions>,
  repository: Repository,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { options, operands, print } = invocation;
  const { diff, displayName, findSnapshot, loadIndex } = await import("@saveos/engine");
  const [first = "", second = ""] = operands;
  const source = await findSnapshot(repository, first, {}, { signal });
  const target = await findSnapshot(repository, second, {}, { signal });
  await loadIndex(repository, { signal, ...aroundDamage(print) });
  await print.info(`Comparing snapshot ${shortName(source)} to ${shortName(target)}`, "");
  let unreadable = 0;
  const statistics = await diff(repository, {
    source,
    target,
    metadata: options.metadata,
    signal,
    onChange: async ({ path, modifier }) => {
      await print.info(changeLine(print.style, { path: displayName(path), modifier }));
      await print.record({ message_type: "change", path, modifier });
    },
    onUnreadable: (path, error) => {
      unreadable += 1;
      void print.problem({ item: displayName(path), message: error.message, during: "diff" });
    },
  });
  await print.info("");
  await print.result(...statisticsLines(statistics));
  await print.record(statisticsRecord(source, target, statistics));
  if (unreadable === 0) return exitCode.done;
  await print.partial(`${plural(unreadable, "folder")} could not be compared`, exitCode.failed);
  return exitCode.failed;
}

function shortName({ snapshot, subfolder }: FoundSnapshot): string {
  return snapshot.id.slice(0, 8) + (subfolder === undefined ? "" : `:${subfolder}`);
}

function changeLine({ good, bad, warning }: Style, { path, modifier }: EntryChange): string {
  const paint = modifier === "+" ? good : modifier === "-" ? bad : warning;
  return paint(`${padEnd(modifier, 5)}${path}`);
}

function statisticsLines({ changedFiles, added, removed }: DiffStatistics): string[] {
  const rows = [
    ["Files", added.files, removed.files, changedFiles],
    ["Folders", added.dirs, removed.dirs],
    ["Others", added.others, removed.others],
    ["Data blobs", added.dataBlobs, removed.dataBlobs],
    ["Tree blobs", added.treeBlobs, removed.treeBlobs],
  ] as const;
  const words = ["new", "removed", "changed"];
  const cells = rows.map(([title, ...counts]) => [title, ...counts.map(formatCount)]);
  const width = Math.max(...cells.flatMap(([, ...counts]) => counts.map((count) => count.length)));
  return [
    ...cells.map(
      ([title = "", ...counts]) =>
        `${padEnd(title, 10)}  ${counts.map((count, nr) => `${padStart(count, width)} ${words[nr]}`).join(", ")}`,
    ),
    `${padEnd("Size", 10)}  ${formatBytes(added.bytes)} added, ${formatBytes(removed.bytes)} removed`,
  ];
}

/** As restic's `diff --json`. */
function statisticsRecord(
  source: FoundSnapshot,
  target: FoundSnapshot,
  { changedFiles, added, removed }: DiffStatistics,
): Record<string, unknown> {
  return {
    message_type: "statistics",
    source_snapshot: source.snapshot.id,
    target_snapshot: target.snapshot.id,
    changed_files: changedFiles,
    added: sideRecord(added),
    removed: sideRecord(removed),
  };
}

function sideRecord({ files, dirs, others, dataBlobs, treeBlobs, bytes }: DiffSide): Record<string, number> {
  return { files, dirs, others, data_blobs: dataBlobs, tree_blobs: treeBlobs, bytes };
}
