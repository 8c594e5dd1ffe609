import { Option } from "commander";
import type { RewriteResult, RewrittenSnapshot } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { type SelectionOptions, selectSnapshots, snapshotFilter } from "../repository/select-snapshots.ts";
import { plural } from "../terminal/quantities.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { parseTimeNs } from "./parse-values.ts";
import { addPathFilterOptions, pathFilter, type PathFilterOptions } from "./path-filter-options.ts";
import { plainTime } from "./records/long-line.ts";
import { openForCommand } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { stepPrinter } from "./step-printer.ts";
import { summaries } from "./summaries.ts";

interface RewriteOptions extends SelectionOptions, PathFilterOptions {
  readonly forget?: true;
  readonly dryRun?: true;
  readonly newHost?: string;
  readonly newTime?: bigint;
  readonly snapshotSummary?: true;
}

/** `saveos-agent rewrite` */
export function addRewrite(line: CommandLine): void {
  const command = addCommand(line.program, "rewrite [snapshots...]", {
    summary: summaries.rewrite,
    description:
      "Makes new snapshots of those that are named, or of all that fit, tagged `rewrite`. The old ones stay, unless --forget removes them; " +
      "the space comes back with a prune.",
    examples: [
      'saveos-agent rewrite --exclude "*.key" --dry-run -vv',
      "saveos-agent rewrite --exclude /home/ann/Downloads --forget latest",
      'saveos-agent rewrite --new-host web1 --new-time "2026-01-31 08:30:00" 4bba301e',
    ],
  });
  addPathFilterOptions(command, { include: "keep only", exclude: "leave out" });
  addSelectionOptions(command)
    .option("--forget", "remove the old snapshots once the new ones are stored")
    .option("--new-host <host>", "the host that they name from now on")
    .addOption(new Option("--new-time <time>", "the time that they have from now on").argParser(parseTimeNs))
    .option("-s, --snapshot-summary", "count files and bytes for snapshots that don't say them")
    .option("-n, --dry-run", "change nothing, say what would be done");
  onRun<RewriteOptions>(line, command, rewriteSnapshots);
}

async function rewriteSnapshots(invocation: Invocation<RewriteOptions>): Promise<ExitCode> {
  const { world, global, options, operands, print } = invocation;
  const filter = await pathFilter(options, world);
  requireSomethingToDo(options, filter !== undefined);
  const { displayName, rewrite } = await import("@saveos/engine");
  const showStep = stepPrinter<"snapshots">(invocation, { verb: "Rewriting", names: { snapshots: "Snapshots" } });
  let missing = 0;
  await using opened = await openForCommand(invocation);
  const result = await rewrite(opened.repository, {
    chooseSnapshots: async (repository, { signal = world.signal }) =>
      await selectSnapshots(repository, operands, snapshotFilter(options, world.env), {
        signal,
        onMissing: async (message) => {
          missing += 1;
          await print.warn(message);
        },
        onUnreadable: (message) => void print.warn(message),
      }),
    filter,
    hostname: options.newHost,
    timeNs: options.newTime,
    summarize: options.snapshotSummary,
    forget: options.forget,
    dryRun: options.dryRun,
    lock: opened.lock,
    compression: global.compression,
    packSizeBytes: global.packSizeBytes,
    signal: world.signal,
    onLeftOut: (path) => void print.detail(2, `Left out: ${displayName(path)}`),
    onSnapshot: await snapshotPrinter(invocation),
    onProgress: (progress) => showStep({ step: "snapshots", ...progress }),
  });
  print.live.clear();
  await printResult(invocation, result);
  return missing > 0 && missing === operands.length ? exitCode.failed : exitCode.done;
}

/** The engine refuses it too; this is before anybody is asked for a password. */
function requireSomethingToDo({ newHost, newTime, snapshotSummary }: RewriteOptions, hasFilter: boolean): void {
  if (hasFilter || newHost || newTime !== undefined || snapshotSummary) return;
  throw new AgentError("usage", "Nothing to do: no files to leave out, and no other host or time.", {
    hint: "Use --exclude, --include, --new-host, --new-time or --snapshot-summary.",
  });
}

async function snapshotPrinter({
  print,
  options,
}: Invocation<RewriteOptions>): Promise<(rewritten: RewrittenSnapshot) => void> {
  const { formatTime, localZone, parseTime } = await import("@saveos/engine");
  return ({ snapshot, isChanged, newId }) => {
    const name = `snapshot ${snapshot.id.slice(0, 8)} of ${plainTime(formatTime(parseTime(snapshot.time), localZone))}`;
    if (newId) void print.info(`Rewrote ${name} as ${newId.slice(0, 8)}`);
    else if (isChanged) void print.info(`Would rewrite ${name}`);
    else void print.detail(1, `Nothing changes in ${name}`);
    if (isChanged)
      void print.record({
        message_type: "changed",
        dry_run: options.dryRun === true,
        old_snapshot_id: snapshot.id,
        new_snapshot_id: newId,
      });
  };
}

async function printResult(
  { print, options }: Invocation<RewriteOptions>,
  { changed, unchanged, forgotten }: RewriteResult,
): Promise<void> {
  const snapshots = plural(changed, "snapshot");
  await print.result(
    changed === 0
      ? "No snapshot needs a change"
      : print.style.strong(options.dryRun ? `Would rewrite ${snapshots}` : `Rewrote ${snapshots}`),
  );
  if (forgotten > 0) await print.info(`Removed ${plural(forgotten, "old snapshot")}; \`prune\` brings the space back`);
  await print.record({
    message_type: "summary",
    dry_run: options.dryRun === true,
    changed_snapshots: changed,
    unchanged_snapshots: unchanged,
    removed_snapshots: forgotten,
  });
}
