import { Option } from "commander";
import type { PruneProgress, PruneResult } from "@saveos/engine";
import { formatBytes, formatCount, formatPercent, plural } from "../terminal/quantities.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { addPruneOptions, type PruneOptions, pruneSettings } from "./prune-options.ts";
import { openForCommand } from "./repository-command.ts";
import { stepPrinter } from "./step-printer.ts";
import { summaries } from "./summaries.ts";

interface PruneCommandOptions extends PruneOptions {
  readonly dryRun?: true;
  readonly unsafeAllowRemoveAll?: true;
}

/** `saveos-agent prune` */
export function addPrune(line: CommandLine): void {
  const command = addCommand(line.program, "prune", {
    summary: summaries.prune,
    description:
      "Data that no snapshot needs is removed; packs that are needed only in part are written anew without it. It may be stopped at any time: " +
      "the next run goes on.",
    examples: ["saveos-agent prune --dry-run", "saveos-agent prune --max-unused 10% --max-repack-size 5G"],
  });
  addPruneOptions(command)
    .option("-n, --dry-run", "change nothing, say what would be done")
    .addOption(
      new Option(
        "--unsafe-allow-remove-all",
        "remove all data of a repository that has no snapshot; refused without this",
      ),
    );
  onRun<PruneCommandOptions>(line, command, async (invocation) => {
    const { world, options } = invocation;
    const { prune } = await import("@saveos/engine");
    const settings = await pruneSettings(invocation);
    await using opened = await openForCommand(invocation);
    const result = await prune(opened.repository, {
      ...settings,
      lock: opened.lock,
      dryRun: options.dryRun,
      allowNoSnapshots: options.unsafeAllowRemoveAll,
      signal: world.signal,
      onPlan: async (planned) => await printPlan(invocation, planned),
      onProgress: prunePrinter(invocation),
    });
    await printPruned(invocation, result, { dryRun: options.dryRun === true });
  });
}

const stepNames: Record<PruneProgress["step"], string> = {
  snapshots: "Snapshots",
  packs: "Packs",
  unreferenced: "Left-over packs removed",
  repack: "Packs repacked",
  index: "Indexes",
  "obsolete-indexes": "Old indexes removed",
  delete: "Packs removed",
};

/** Shows how far a prune is, also one that another command runs. */
export function prunePrinter(invocation: Pick<Invocation, "world" | "print">): (progress: PruneProgress) => void {
  return stepPrinter<PruneProgress["step"]>(invocation, { verb: "Pruning", names: stepNames });
}

/** With `-v`, all that was counted, before anything is done. */
export async function printPlan({ print }: Pick<Invocation, "print">, { stats, ...packs }: PruneResult): Promise<void> {
  if (print.options.verbosity === 0 || print.options.quiet) return;
  const { blobs, bytes } = stats;
  const rows: [string, number | undefined, number][] = [
    ["used", blobs.used, bytes.used],
    ["copies", blobs.duplicate, bytes.duplicate],
    ["unused", blobs.unused, bytes.unused],
    ["left over", undefined, bytes.unreferenced],
    ["to repack", blobs.repack, bytes.repack],
    ["of it removed", blobs.repackRemove, bytes.repackRemove],
    ["to remove", blobs.remove, bytes.remove],
    ["not compressed", undefined, bytes.uncompressed],
  ];
  const columns: Column<(typeof rows)[number]>[] = [
    { title: "", cell: ([title]) => [title] },
    { title: "Blobs", cell: ([, count]) => [count === undefined ? "" : formatCount(count)], align: "right" },
    { title: "Size", cell: ([, , size]) => [formatBytes(size)], align: "right" },
  ];
  const { used, partlyUsed, unused, unreferenced, keep } = stats.packs;
  await print.info(
    ...tableLines(columns, rows),
    `Packs: ${formatCount(used)} used, ${formatCount(partlyUsed)} used in part, ${formatCount(unused)} unused, ` +
      `${formatCount(unreferenced)} left over; ${formatCount(keep)} stay`,
  );
  const lists = { repack: packs.repackedPacks, remove: [...packs.unreferencedPacks, ...packs.removedPacks] };
  for (const [what, ids] of Object.entries(lists)) for (const id of ids) await print.detail(2, `${what} data/${id}`);
}

/** What came of it: one line, and one JSON record. */
export async function printPruned(
  { print }: Pick<Invocation, "print">,
  { stats }: PruneResult,
  { dryRun }: { readonly dryRun: boolean },
): Promise<void> {
  const { blobs, bytes, packs } = stats;
  const removedBlobs = blobs.remove + blobs.repackRemove;
  const removedBytes = bytes.remove + bytes.repackRemove + bytes.unreferenced;
  const totalBytes = bytes.used + bytes.duplicate + bytes.unused + bytes.unreferenced;
  const remainingBytes = totalBytes - removedBytes;
  const unusedAfter = bytes.duplicate + bytes.unused - bytes.remove - bytes.repackRemove;
  const share = remainingBytes === 0 ? 0 : (100 * unusedAfter) / remainingBytes;
  const packsGone = packs.remove + packs.repack + packs.unreferenced;
  const verb = dryRun ? "Would free" : "Freed";
  await print.result(
    packsGone === 0 && removedBytes === 0
      ? print.style.good("There is nothing to remove")
      : print.style.good(
          `${verb} ${formatBytes(removedBytes)}: ${plural(removedBlobs, "blob")}; ` +
            `${plural(packs.remove + packs.unreferenced, "pack")} removed, ${formatCount(packs.repack)} repacked`,
        ),
  );
  await print.info(
    `${formatBytes(remainingBytes)} ${dryRun ? "would stay" : "stay"}, ` +
      `${formatBytes(unusedAfter)} of it unused (${formatPercent(share)})`,
  );
  await print.record({ message_type: "summary", dry_run: dryRun, ...pruneRecord({ stats }) });
}

/** restic's `prune` has no JSON; these are its own numbers by its own names. */
export function pruneRecord({ stats }: Pick<PruneResult, "stats">): Record<string, unknown> {
  const { blobs, bytes, packs } = stats;
  return {
    snapshots: stats.snapshots,
    blobs: { ...counts(blobs) },
    size: { ...counts(bytes), unref: bytes.unreferenced, uncompressed: bytes.uncompressed },
    packs: {
      used: packs.used,
      partly_used: packs.partlyUsed,
      unused: packs.unused,
      unref: packs.unreferenced,
      keep: packs.keep,
      repack: packs.repack,
      remove: packs.remove,
    },
  };
}

function counts({ used, duplicate, unused, remove, repack, repackRemove }: PruneResult["stats"]["blobs"]): object {
  return { used, duplicate, unused, remove, repack, repackrm: repackRemove };
}
