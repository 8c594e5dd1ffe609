import { Command } from "commander";
import { exitCode, type ExitCode, exitCodeOf } from "../errors/exit-code.ts";
import type { World } from "../world.ts";
import { addGlobalOptions, type GlobalOptions, settleGlobalOptions } from "./global-options.ts";
import { lowerPriority } from "./lower-priority.ts";
import { Printer } from "./printer.ts";

/** The command line being read: where commands are added, and where a command leaves how it ended. */
export interface CommandLine {
  readonly world: World;
  readonly program: Command;
  readonly finish: (code: ExitCode) => void;
}

/** One run of one command. */
export interface Invocation<Options = object> {
  readonly world: World;
  readonly global: GlobalOptions;
  readonly print: Printer;
  /** The command's own options. */
  readonly options: Options;
  /** What is no option, in order. */
  readonly operands: readonly string[];
}

export interface CommandText {
  readonly summary: string;
  /** More than the summary says; whole sentences. */
  readonly description?: string;
  /** Lines that a person can type as they are. */
  readonly examples: readonly string[];
}

/** Adds an empty command with its help. `name` may hold operands: `ls <snapshot> [folders...]`. */
export function addCommand(parent: Command, name: string, text: CommandText): Command {
  const command = parent.command(name).summary(text.summary).helpCommand(false);
  command.description(text.description === undefined ? text.summary : `${text.summary}\n\n${text.description}`);
  addGlobalOptions(command, { hidden: true });
  const examples = text.examples.map((example) => `  $ ${example}\n`).join("");
  command.addHelpText("after", `\nExample${text.examples.length === 1 ? "" : "s"}:\n${examples}\n${globalHint}\n`);
  return command;
}

const globalHint = "`saveos-agent --help` lists the options that every command understands.";

/** Says what the command does. The handler's result is the exit code; what it throws is told to the person and becomes one. */
export function onRun<Options extends object>(
  line: CommandLine,
  command: Command,
  handler: (invocation: Invocation<Options>) => Promise<ExitCode | void>,
): void {
  command.action(async () => {
    const { world } = line;
    let print = new Printer(world, { json: command.optsWithGlobals()["json"] === true, quiet: false, verbosity: 0 });
    try {
      const global = settleGlobalOptions(command, world);
      print = new Printer(world, global);
      // Before anything starts a thread: threads inherit it.
      if (global.lowPriority) await lowerPriority(print.warn.bind(print));
      const invocation = { world, global, print, options: command.opts<Options>(), operands: command.args };
      line.finish((await handler(invocation)) ?? exitCode.done);
    } catch (error) {
      await print.failure(error);
      line.finish(exitCodeOf(error, world.signal));
    } finally {
      print.live.clear();
    }
  });
}
