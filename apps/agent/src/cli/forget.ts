import { type Command, Option } from "commander";
import type { ForgetGroup, ForgetPlan, ForgetProgress, ForgetRequest, ForgetResult, ObjectId } from "@saveos/engine";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { type SelectionOptions, selectSnapshots, snapshotFilter } from "../repository/select-snapshots.ts";
import { formatCount, plural } from "../terminal/quantities.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { addPolicyOptions, policyOf, type PolicyOptions } from "./policy-options.ts";
import { type GroupBy, parseGroupBy } from "./parse-values.ts";
import { snapshotRecord } from "./records/snapshot-record.ts";
import { openForCommand, type OpenedForCommand } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { groupTitle, orNull, snapshotLines } from "./snapshot-lines.ts";
import { summaries } from "./summaries.ts";

interface ForgetOptions extends SelectionOptions, PolicyOptions {
  readonly unsafeAllowRemoveAll?: true;
  readonly groupBy: GroupBy;
  readonly compact?: true;
  readonly dryRun?: true;
}

/** `saveos-agent forget` */
export function addForget(line: CommandLine): void {
  const command = addCommand(line.program, "forget [snapshots...]", {
    summary: summaries.forget,
    description:
      "Removes the snapshots that are named. Without names it removes, of each group, those that no --keep option keeps; while an option " +
      "has counts left, it keeps the oldest snapshot as well. The space comes back with a prune.",
    examples: [
      "saveos-agent forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run",
      "saveos-agent forget --host web1 --keep-within 1y6m",
      "saveos-agent forget 4bba301e",
    ],
  });
  addOptions(command);
  onRun<ForgetOptions>(line, command, runForget);
}

function addOptions(command: Command): void {
  addPolicyOptions(command).option(
    "--unsafe-allow-remove-all",
    "remove all snapshots that --host, --tag and --path choose, if no --keep option is given",
  );
  addSelectionOptions(command, { hostFlags: "--host" })
    .option("-c, --compact", "one line each, without the paths")
    .addOption(
      new Option("-g, --group-by <marks>", "what makes a group: host, paths and tags, or '' for one group of all")
        .argParser(parseGroupBy)
        .default({ host: true, paths: true, tags: false }, "host,paths"),
    )
    .option("-n, --dry-run", "only say what would be removed");
}

async function runForget(invocation: Invocation<ForgetOptions>): Promise<ExitCode> {
  const { print, options } = invocation;
  const { forget } = await import("@saveos/engine");
  await using opened = await openForCommand(invocation);
  const request = await requestOf(invocation, opened);
  const result = await forget(opened.repository, request);
  print.live.clear();
  if (result.groups.length > 0) await print.record(result.groups.map(groupRecord));
  if (!options.dryRun && result.removed.length > 0)
    await print.result(`Removed ${plural(result.removed.length, "snapshot")}`);
  return await reportFailures(invocation, result);
}

async function requestOf(
  invocation: Invocation<ForgetOptions>,
  { repository, lock }: OpenedForCommand,
): Promise<ForgetRequest> {
  const { world, options, operands, print } = invocation;
  const { parseCalendarSpan } = await import("@saveos/engine");
  const filter = snapshotFilter(options, world.env);
  const common = {
    lock,
    dryRun: options.dryRun,
    signal: world.signal,
    onUnreadable: (_id: ObjectId, error: Error) => void print.warn(`${error.message}. It is passed over, and stays.`),
    onPlan: async (plan: ForgetPlan) => await printPlan(invocation, plan),
    onProgress: progressOf(invocation),
  };
  if (operands.length > 0) {
    const chosen = await selectSnapshots(repository, operands, filter, {
      signal: world.signal,
      onMissing: (message) => print.warn(message),
      onUnreadable: (message) => void print.warn(message),
    });
    return { ...common, snapshotIds: chosen.map(({ id }) => id) };
  }
  return {
    ...common,
    policy: policyOf(options, parseCalendarSpan),
    groupBy: options.groupBy,
    filter,
    allowRemoveAll: options.unsafeAllowRemoveAll,
  };
}

/** Before anything is removed, a person reads what will be. */
async function printPlan(invocation: Invocation<ForgetOptions>, { groups, remove }: ForgetPlan): Promise<void> {
  const { print, options, operands } = invocation;
  if (print.options.json) return;
  const { describePolicy, parseCalendarSpan } = await import("@saveos/engine");
  const kept = groups.reduce((count, { keep }) => count + keep.length, 0);
  const verb = options.dryRun ? "Would remove" : "Removing";
  if (operands.length > 0) await print.result(`${verb} ${plural(remove.length, "snapshot")}`);
  else await print.result(`${verb} ${formatCount(remove.length)} of ${plural(kept + remove.length, "snapshot")}`);
  const policy = describePolicy(policyOf(options, parseCalendarSpan));
  if (operands.length === 0) await print.info(`Policy: keep ${policy || "nothing"}`);
  if (operands.length > 0 && options.dryRun) await print.result(...(await snapshotLines(remove, options)));
  for (const group of groups) await print.info("", ...(await groupLines(invocation, group)));
  if (groups.length > 0) await print.info("");
}

async function groupLines({ print, options }: Invocation<ForgetOptions>, group: ForgetGroup): Promise<string[]> {
  const { keep, remove } = group;
  const title = `${groupTitle(group)}: keep ${formatCount(keep.length)}, remove ${formatCount(remove.length)}`;
  const reasons = new Map(keep.map(({ snapshot, reasons }) => [snapshot.id, reasons]));
  const kept = keep.map(({ snapshot }) => snapshot).toReversed();
  return [
    print.style.strong(title.charAt(0).toUpperCase() + title.slice(1)),
    ...(kept.length > 0
      ? ["Keep", ...(await snapshotLines(kept, { ...options, reasonsOf: ({ id }) => reasons.get(id) ?? [] }))]
      : []),
    ...(remove.length > 0 ? ["Remove", ...(await snapshotLines(remove.toReversed(), options))] : []),
  ];
}

function progressOf({ world, print }: Invocation<ForgetOptions>): (progress: ForgetProgress) => void {
  let shownMs = -Infinity;
  return ({ removed, failed, total }) => {
    const nowMs = Number(world.clock.nowNs() / 1_000_000n);
    if (print.options.json || print.options.quiet || nowMs - shownMs < drawIntervalMs) return;
    shownMs = nowMs;
    print.live.draw([`Removing  ${formatCount(removed + failed)} of ${plural(total, "snapshot")}`]);
  };
}

const drawIntervalMs = 100;

async function reportFailures({ print }: Invocation<ForgetOptions>, { failed }: ForgetResult): Promise<ExitCode> {
  for (const { snapshot, error } of failed)
    await print.problem({ item: snapshot.id, message: error.message, during: "forget" });
  if (failed.length === 0) return exitCode.done;
  await print.partial(`Could not remove ${plural(failed.length, "snapshot")}`, exitCode.removalIncomplete);
  return exitCode.removalIncomplete;
}

/** As restic's `forget --json`. */
function groupRecord({ hostname, paths, tags, keep, remove }: ForgetGroup): Record<string, unknown> {
  return {
    tags: orNull(tags),
    host: hostname ?? "",
    paths: orNull(paths),
    keep: orNull(keep.map(({ snapshot }) => snapshotRecord(snapshot))),
    remove: orNull(remove.map(snapshotRecord)),
    reasons: orNull(keep.map(({ snapshot, reasons }) => ({ snapshot: snapshotRecord(snapshot), matches: reasons }))),
  };
}
