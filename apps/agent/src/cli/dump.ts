import { createWriteStream } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { Option } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { systemErrorCode } from "../errors/system-error.ts";
import { type SelectionOptions, snapshotFilter } from "../repository/select-snapshots.ts";
import { aroundDamage } from "./around-damage.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { openForCommand } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { summaries } from "./summaries.ts";

interface DumpOptions extends SelectionOptions {
  readonly archive: "tar" | "zip";
  readonly target?: string;
}

/** `saveos-agent dump` */
export function addDump(line: CommandLine): void {
  const command = addCommand(line.program, "dump <snapshot> <path>", {
    summary: summaries.dump,
    examples: ["saveos-agent dump latest /etc/hosts", "saveos-agent dump latest /home/ann -t ann.tar"],
  });
  addSelectionOptions(command)
    .addOption(
      new Option("-a, --archive <kind>", "kind of archive for a folder").choices(["tar", "zip"]).default("tar"),
    )
    .option("-t, --target <file>", "write into this file instead");
  onRun<DumpOptions>(line, command, async (invocation) => {
    const { world, options, operands, print } = invocation;
    const { dump, findSnapshot } = await import("@saveos/engine");
    await using opened = await openForCommand(invocation);
    const { signal } = world;
    const [wanted = "", file = "/"] = operands;
    const { snapshot, subfolder } = await findSnapshot(opened.repository, wanted, snapshotFilter(options, world.env), {
      signal,
      ...aroundDamage(print),
    });
    const bytes = dump(opened.repository, {
      snapshot,
      subfolder,
      path: file,
      archive: options.archive,
      lock: opened.lock,
      ...aroundDamage(print),
      signal,
    });
    if (options.target === undefined) await writeToOutput(invocation, bytes);
    else await writeToFile(path.resolve(world.workingFolder, options.target), bytes);
  });
}

async function writeToOutput({ world: { stdout } }: Invocation, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  if (stdout.isTerminal) {
    // A person who looks at a text file may; an archive would only ring the terminal's bell.
    for await (const chunk of bytes) {
      if (chunk.includes(0))
        throw new AgentError("usage", "This is no text for a terminal.", {
          hint: "Write it into a file with --target FILE.",
        });
      await stdout.write(chunk);
    }
    return;
  }
  for await (const chunk of bytes) await stdout.write(chunk);
}

async function writeToFile(file: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(bytes, createWriteStream(file));
  } catch (error) {
    const code = systemErrorCode(error);
    // The engine's errors have codes too, and say it better themselves.
    if (code === undefined || code === code.toLowerCase()) throw error;
    throw new AgentError("usage", `Could not write ${file}: ${code}`, { cause: error });
  }
}
