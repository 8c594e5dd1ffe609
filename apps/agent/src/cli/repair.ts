import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import type { ObjectId, RepairIndexProgress, RepairPacksProgress } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { type SelectionOptions, selectSnapshots, snapshotFilter } from "../repository/select-snapshots.ts";
import { plural } from "../terminal/quantities.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { openForCommand } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { stepPrinter } from "./step-printer.ts";
import { summaries } from "./summaries.ts";

/** `saveos-agent repair`: what makes a damaged repository whole again, as far as it can be. */
export function addRepair(line: CommandLine): void {
  const repair = addCommand(line.program, "repair", {
    summary: summaries.repair,
    description:
      "In this order: `check --read-data` says what is damaged, `repair packs` saves what is left of damaged packs, `repair index` puts the index right, " +
      "a new backup brings back what the machine still has, and `repair snapshots` leaves out of old snapshots what is lost.",
    examples: ["saveos-agent repair index", "saveos-agent repair snapshots --dry-run"],
  });
  addRepairIndex(line, repair);
  addRepairPacks(line, repair);
  addRepairSnapshots(line, repair);
}

function addRepairIndex(line: CommandLine, repair: Command): void {
  const command = addCommand(repair, "index", {
    summary: "Make the index say again what is in the packs",
    description: "Data is neither written nor deleted.",
    examples: ["saveos-agent repair index", "saveos-agent repair index --read-all-packs"],
  });
  command.option("--read-all-packs", "believe no index, ask every pack what is in it");
  onRun<{ readonly readAllPacks?: true }>(line, command, async (invocation) => {
    const { world, options, print } = invocation;
    const { repairIndex } = await import("@saveos/engine");
    await using opened = await openForCommand(invocation, { useCache: false });
    const result = await repairIndex(opened.repository, {
      lock: opened.lock,
      readAllPacks: options.readAllPacks,
      signal: world.signal,
      onProblem: problemPrinter(invocation),
      onProgress: stepPrinter<RepairIndexProgress["step"]>(invocation, { verb: "Repairing", names: indexSteps }),
    });
    const { isChanged, packsRead, missingPacks, unreadablePacks, unreadableIndexes } = result;
    await print.result(
      isChanged
        ? print.style.good(
            `The index is right again: ${plural(packsRead.length, "pack")} read, ${plural(missingPacks.length, "missing pack")} left out`,
          )
        : print.style.good("The index was right"),
    );
    if (unreadablePacks.length > 0)
      await print.info(
        `${plural(unreadablePacks.length, "pack")} can't say what is in them, and no index names them now`,
      );
    await print.record({
      message_type: "summary",
      changed: isChanged,
      packs_read: packsRead.length,
      missing_packs: missingPacks,
      unreadable_packs: unreadablePacks,
      removed_indexes: unreadableIndexes,
    });
  });
}

const indexSteps: Record<RepairIndexProgress["step"], string> = {
  indexes: "Indexes read",
  packs: "Packs",
  headers: "Packs read",
  write: "Indexes",
  "obsolete-indexes": "Old indexes removed",
};

function addRepairPacks(line: CommandLine, repair: Command): void {
  const command = addCommand(repair, "packs <ids...>", {
    summary: "Save what can still be read of damaged packs",
    description:
      "The whole ids, as `check --read-data` names them. A copy of each is put into the current folder, then what can be read is stored anew and the pack is deleted.",
    examples: ["saveos-agent repair packs 1f3d…64 digits"],
  });
  command.option("--no-copies", "put no copies into the current folder");
  onRun<{ readonly copies: boolean }>(line, command, async (invocation) => {
    const { world, global, options, print } = invocation;
    const { repairPacks } = await import("@saveos/engine");
    const packs = await packIds(invocation);
    await using opened = await openForCommand(invocation, { useCache: false });
    const result = await repairPacks(opened.repository, {
      lock: opened.lock,
      packs,
      compression: global.compression,
      packSizeBytes: global.packSizeBytes,
      keepCopy: options.copies ? async (pack, bytes) => await keepCopy(pack, bytes) : undefined,
      signal: world.signal,
      onProblem: problemPrinter(invocation),
      onProgress: stepPrinter<RepairPacksProgress["step"]>(invocation, { verb: "Repairing", names: packSteps }),
    });
    const { salvagedBlobs, lostBlobs } = result;
    const saved = `${plural(salvagedBlobs, "blob")} saved`;
    await print.result(
      lostBlobs.length === 0
        ? print.style.good(`${saved}, nothing is lost`)
        : print.style.warning(`${saved}, ${plural(lostBlobs.length, "blob")} lost`),
    );
    if (lostBlobs.length > 0)
      await print.info(
        "A new backup stores again what the machine still has; `repair snapshots` leaves the rest out of old snapshots.",
      );
    await print.record({ message_type: "summary", salvaged_blobs: salvagedBlobs, lost_blobs: lostBlobs });
  });
}

const packSteps: Record<RepairPacksProgress["step"], string> = {
  packs: "Packs read",
  index: "Indexes",
  delete: "Packs removed",
};

async function packIds({ operands }: Pick<Invocation, "operands">): Promise<ObjectId[]> {
  const { isEngineError, parseObjectId } = await import("@saveos/engine");
  return operands.map((text) => {
    try {
      return parseObjectId(text);
    } catch (error) {
      if (!isEngineError(error)) throw error;
      throw new AgentError("usage", `Not the id of a pack: ${JSON.stringify(text)}`, {
        cause: error,
        hint: "Give all 64 digits, as `check --read-data` prints them.",
      });
    }
  });
}

/** Restic's name for it. A copy that is there already is another run's, and may be the better one. */
async function keepCopy(pack: ObjectId, bytes: Uint8Array): Promise<void> {
  const file = path.resolve(`pack-${pack}`);
  try {
    await writeFile(file, bytes, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw new AgentError("usage", `No copy of the damaged pack can be put at ${file}`, {
      cause: error,
      hint: "Change into a folder with room for it, or go without by --no-copies.",
    });
  }
}

interface RepairSnapshotsOptions extends SelectionOptions {
  readonly forget?: true;
  readonly dryRun?: true;
}

function addRepairSnapshots(line: CommandLine, repair: Command): void {
  const command = addCommand(repair, "snapshots [snapshots...]", {
    summary: "Leave out of snapshots what is lost",
    description:
      "Makes new snapshots without the folders and parts of files that can't be read any more, tagged `repaired`. `repair index` comes first. " +
      "A new backup may heal a snapshot altogether: if the files are still there, try that before.",
    examples: ["saveos-agent repair snapshots --dry-run", "saveos-agent repair snapshots --forget"],
  });
  addSelectionOptions(command)
    .option("--forget", "remove the damaged snapshots, and those of which nothing can be read")
    .option("-n, --dry-run", "change nothing, say what would be done");
  onRun<RepairSnapshotsOptions>(line, command, async (invocation) => {
    const { world, global, options, operands, print } = invocation;
    const { displayName, repairSnapshots } = await import("@saveos/engine");
    await using opened = await openForCommand(invocation, { useCache: false });
    const result = await repairSnapshots(opened.repository, {
      lock: opened.lock,
      snapshots: await selectSnapshots(opened.repository, operands, snapshotFilter(options, world.env), {
        signal: world.signal,
        onMissing: (message) => print.warn(message),
        onUnreadable: (message) => void print.warn(message),
      }),
      forget: options.forget,
      dryRun: options.dryRun,
      compression: global.compression,
      signal: world.signal,
      onChange: ({ snapshot, path: changed, message }) =>
        void print.info(`${snapshot.slice(0, 8)}  ${displayName(changed)}: ${message}`),
      onProgress: stepPrinter<"snapshots">(invocation, { verb: "Repairing", names: { snapshots: "Snapshots" } }),
    });
    const { repaired, lost, forgotten } = result;
    const count = plural(repaired.length, "snapshot");
    await print.result(
      repaired.length === 0
        ? print.style.good("No snapshot needs a repair")
        : print.style.good(options.dryRun ? `Would repair ${count}` : `Repaired ${count}`),
    );
    for (const { damaged, repaired: made } of repaired)
      if (made) await print.info(`  ${damaged.slice(0, 8)} → ${made.slice(0, 8)}`);
    if (lost.length > 0)
      await print.result(
        `Nothing can be read of ${lost.map((id) => id.slice(0, 8)).join(", ")}; ` +
          (forgotten.includes(lost[0] as ObjectId) ? "removed" : "--forget removes them"),
      );
    await print.record({ message_type: "summary", dry_run: options.dryRun === true, repaired, lost, forgotten });
  });
}

function problemPrinter({ print }: Pick<Invocation, "print">): (problem: { object: string; message: string }) => void {
  return ({ object, message }) => {
    if (print.options.json) void print.plainError(`${object}: ${message}`);
    else void print.warn(`${object}: ${message}`);
  };
}
