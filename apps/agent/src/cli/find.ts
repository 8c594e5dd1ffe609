import { Option } from "commander";
import type { FoundFile, Repository } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { type SelectionOptions, selectSnapshots, snapshotFilter } from "../repository/select-snapshots.ts";
import { plural } from "../terminal/quantities.ts";
import { aroundDamage } from "./around-damage.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { collect, parseTimeNs } from "./parse-values.ts";
import { foundNodeRecord } from "./records/node-record.ts";
import { longLine, plainTime } from "./records/long-line.ts";
import { withReadableRepository } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { summaries } from "./summaries.ts";

interface FindOptions extends SelectionOptions {
  readonly ignoreCase?: true;
  readonly long?: true;
  readonly humanReadable?: true;
  readonly snapshot?: readonly string[];
  readonly newest?: bigint;
  readonly oldest?: bigint;
  readonly reverse?: true;
}

/** `saveos-agent find` */
export function addFind(line: CommandLine): void {
  const command = addCommand(line.program, "find <patterns...>", {
    summary: summaries.find,
    description: "A pattern is a name, or a path with * ? [a-z] and **. Newest snapshots come first.",
    examples: ['saveos-agent find "*.odt"', "saveos-agent find -l --newest 2026-01-31 report.pdf"],
  });
  addSelectionOptions(command)
    .option("-i, --ignore-case", "A and a are the same")
    .option("-l, --long", "with mode, owner, size and time")
    .option("--human-readable", "sizes in KiB, MiB, …")
    .addOption(new Option("-s, --snapshot <id>", "only in this snapshot (repeatable)").argParser(collect))
    .addOption(new Option("-N, --newest <time>", "modified at this time or before").argParser(parseTimeNs))
    .addOption(new Option("-O, --oldest <time>", "modified at this time or after").argParser(parseTimeNs))
    .option("-R, --reverse", "oldest snapshots first");
  onRun<FindOptions>(line, command, async (invocation) =>
    withReadableRepository(invocation, async (repository, signal) => await find(invocation, repository, signal)),
  );
}

async function find(invocation: Invocation<FindOptions>, repository: Repository, signal: AbortSignal): Promise<void> {
  const { world, options, operands, print } = invocation;
  const { findFiles, loadIndex, parsePatterns } = await import("@saveos/engine");
  const chosen = await selectSnapshots(repository, options.snapshot ?? [], snapshotFilter(options, world.env), {
    signal,
    onMissing: (message) => Promise.reject(new AgentError("usage", message)),
    onUnreadable: (message) => void print.warn(message),
  });
  await loadIndex(repository, { signal, ...aroundDamage(print) });
  const found = findFiles(repository, {
    snapshots: options.reverse ? chosen : chosen.toReversed(),
    patterns: parsePatterns(operands, { caseInsensitive: options.ignoreCase, windows: world.platform === "win32" }),
    newestNs: options.newest,
    oldestNs: options.oldest,
    signal,
  });
  if (print.options.json) await printRecords(invocation, found);
  else await printLines(invocation, found);
}

async function printLines({ print, options }: Invocation<FindOptions>, found: AsyncIterable<FoundFile>): Promise<void> {
  const { displayName, formatTime, localZone, parseTime } = await import("@saveos/engine");
  let last: string | undefined;
  let count = 0;
  for await (const { snapshot, path, node } of found) {
    if (snapshot.id !== last) {
      if (last !== undefined) await print.result("");
      const time = plainTime(formatTime(parseTime(snapshot.time), localZone));
      await print.result(print.style.strong(`In snapshot ${snapshot.id.slice(0, 8)} from ${time}`));
    }
    last = snapshot.id;
    count += 1;
    const shown = {
      path: displayName(path),
      target: displayName(node.linkTarget),
      time: formatTime(node.mtimeNs, localZone),
      humanReadable: options.humanReadable === true,
    };
    await print.result(options.long ? longLine(node, shown) : shown.path);
  }
  await print.info(print.style.quiet(count === 0 ? "Nothing found" : plural(count, "match", "matches")));
}

/** One document, an object a snapshot with matches, as restic prints it. Written as it is found: there may be millions. */
async function printRecords({ world }: Invocation<FindOptions>, found: AsyncIterable<FoundFile>): Promise<void> {
  const { formatTime, localZone } = await import("@saveos/engine");
  const { jsonText } = await import("../terminal/json.ts");
  const { stdout } = world;
  let last: string | undefined;
  let hits = 0;
  const endGroup = async () => {
    if (last !== undefined) await stdout.write(`],"hits":${hits},"snapshot":"${last}"}`);
  };
  await stdout.write("[");
  for await (const { snapshot, path, node } of found) {
    if (snapshot.id !== last) {
      await endGroup();
      await stdout.write(`${last === undefined ? "" : ","}{"matches":[`);
      hits = 0;
    }
    last = snapshot.id;
    await stdout.write(
      (hits > 0 ? "," : "") + jsonText(foundNodeRecord(path, node, (ns) => formatTime(ns, localZone))),
    );
    hits += 1;
  }
  await endGroup();
  await stdout.write("]\n");
}
