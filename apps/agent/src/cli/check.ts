import type { CheckProgress, CheckResult, Finding } from "@saveos/engine";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { plural } from "../terminal/quantities.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { openForCommand } from "./repository-command.ts";
import { stepPrinter } from "./step-printer.ts";
import { summaries } from "./summaries.ts";

interface CheckOptions {
  readonly readData?: true;
  readonly readDataSubset?: string;
  readonly withCache?: true;
}

/** `saveos-agent check` */
export function addCheck(line: CommandLine): void {
  const command = addCommand(line.program, "check", {
    summary: summaries.check,
    description:
      "Without options: that everything the snapshots need is there. With --read-data also that every byte is what it was; " +
      "that reads the whole repository.",
    examples: ["saveos-agent check", "saveos-agent check --read-data-subset 1/12"],
  });
  command
    .option("--read-data", "read and verify all data")
    .option("--read-data-subset <part>", "read and verify a part: n/t, 2.5% or 500M")
    .option("--with-cache", "trust the cache, to read less from the repository");
  onRun<CheckOptions>(line, command, runCheck);
}

async function runCheck(invocation: Invocation<CheckOptions>): Promise<ExitCode> {
  const { world, options, print } = invocation;
  const { check, parseReadDataSubset } = await import("@saveos/engine");
  const subset = options.readDataSubset === undefined ? undefined : parseReadDataSubset(options.readDataSubset);
  await using opened = await openForCommand(invocation, { useCache: options.withCache === true });
  const result = await check(opened.repository, {
    readData: options.readData ? "all" : subset,
    lock: opened.lock,
    signal: world.signal,
    onProgress: stepPrinter<CheckProgress["step"]>(invocation, {
      verb: "Checking",
      names: stepNames,
      together: ["snapshots", "data"],
    }),
    onFinding: (finding) => void printFinding(invocation, finding),
  });
  print.live.clear();
  await printResult(invocation, result);
  return result.errors > 0 ? exitCode.failed : exitCode.done;
}

const stepNames: Record<CheckProgress["step"], string> = {
  indexes: "Indexes",
  packs: "Packs",
  snapshots: "Snapshots",
  data: "Data",
};

async function printFinding(
  { print }: Invocation<CheckOptions>,
  { severity, object, message }: Finding,
): Promise<void> {
  if (severity === "hint") await print.info(`${object}: ${message}`);
  else if (print.options.json) await print.plainError(`${object}: ${message}`);
  else await print.warn(`${object}: ${message}`);
}

async function printResult({ print }: Invocation<CheckOptions>, result: CheckResult): Promise<void> {
  const { errors, brokenPacks, suggestRepairIndex, suggestPrune } = result;
  const { style } = print;
  if (errors === 0) await print.info(style.good("No errors were found"));
  else await print.result(style.bad(`${plural(errors, "error")} found`));
  if (brokenPacks.length > 0)
    await print.result("Damaged packs, for `repair packs`:", ...brokenPacks.map((id) => `  ${id}`));
  if (suggestRepairIndex) await print.result("The index disagrees with the packs: `repair index` may mend it.");
  if (suggestPrune) await print.info("Some packs are of no use: `prune` would free their space.");
  await print.record({
    message_type: "summary",
    num_errors: errors,
    broken_packs: brokenPacks.length > 0 ? brokenPacks : null,
    suggest_repair_index: suggestRepairIndex,
    suggest_prune: suggestPrune,
  });
}
