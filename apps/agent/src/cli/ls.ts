import type { Node, Repository } from "@saveos/engine";
import { type SelectionOptions, snapshotFilter } from "../repository/select-snapshots.ts";
import { aroundDamage } from "./around-damage.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { listedNodeRecord } from "./records/node-record.ts";
import { longLine, plainTime } from "./records/long-line.ts";
import { snapshotRecord } from "./records/snapshot-record.ts";
import { withReadableRepository } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { summaries } from "./summaries.ts";

interface LsOptions extends SelectionOptions {
  readonly long?: true;
  readonly recursive?: true;
  readonly humanReadable?: true;
}

/** `saveos-agent ls` */
export function addLs(line: CommandLine): void {
  const command = addCommand(line.program, "ls <snapshot> [folders...]", {
    summary: summaries.ls,
    description: "The snapshot is an id, the beginning of one, or `latest`. Folders are paths inside the snapshot.",
    examples: ["saveos-agent ls latest", "saveos-agent ls -l latest /home/ann/Documents"],
  });
  addSelectionOptions(command)
    .option("-l, --long", "with mode, owner, size and time")
    .option("--recursive", "everything below the folders, not only their entries")
    .option("--human-readable", "sizes in KiB, MiB, …");
  onRun<LsOptions>(line, command, async (invocation) =>
    withReadableRepository(invocation, async (repository, signal) => await list(invocation, repository, signal)),
  );
}

async function list(invocation: Invocation<LsOptions>, repository: Repository, signal: AbortSignal): Promise<void> {
  const { world, options, operands, print } = invocation;
  const { displayName, findSnapshot, formatTime, listFiles, loadIndex, localZone, parseTime } =
    await import("@saveos/engine");
  const [wanted = "", ...folders] = operands;
  const { snapshot, subfolder } = await findSnapshot(repository, wanted, snapshotFilter(options, world.env), {
    signal,
    ...aroundDamage(print),
  });
  await loadIndex(repository, { signal, ...aroundDamage(print) });

  const taken = `${plainTime(formatTime(parseTime(snapshot.time), localZone))} on ${displayName(snapshot.hostname)}`;
  await print.info(
    print.style.quiet(`Snapshot ${snapshot.id.slice(0, 8)} of ${snapshot.paths.map(displayName).join(", ")}, ${taken}`),
  );
  if (print.options.json)
    await print.record({ ...snapshotRecord(snapshot), message_type: "snapshot", struct_type: "snapshot" });

  const inLocalZone = (ns: bigint) => formatTime(ns, localZone);
  const textOf = (path: string, node: Node) => {
    const shown = { path: displayName(path), target: displayName(node.linkTarget), time: inLocalZone(node.mtimeNs) };
    return options.long ? longLine(node, { ...shown, humanReadable: options.humanReadable === true }) : shown.path;
  };
  const paths = subfolder === undefined ? folders : [subfolder, ...folders];
  for await (const { path, node } of listFiles(repository, snapshot, { paths, recursive: options.recursive, signal })) {
    if (print.options.json) await print.record(listedNodeRecord(path, node, inLocalZone));
    else await print.result(textOf(path, node));
  }
}
