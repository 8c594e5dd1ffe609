import { Command, CommanderError, Help } from "commander";
import type { CommandLine } from "./cli/command-line.ts";
import { programHelp } from "./cli/program-help.ts";
import { addCommands } from "./cli/commands.ts";
import { addGlobalOptions } from "./cli/global-options.ts";
import { version } from "./cli/version.ts";
import { exitCode, type ExitCode } from "./errors/exit-code.ts";
import { styleFor } from "./terminal/style.ts";
import type { World } from "./world.ts";

/** Runs one command line, without the program's name, and resolves with its exit code. It never rejects for what a person did. */
export async function run(argv: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = exitCode.done;
  const program = new Command("saveos-agent");
  const line: CommandLine = { world, program, finish: (ended) => (code = ended) };
  describe(line);
  await addCommands(line, argv);
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(expandVerbose(argv), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.done : exitCode.failed;
  }
  return code;
}

function describe({ program, world }: CommandLine): void {
  const style = styleFor(world.stderr, world.env);
  program
    .description("Backs up this machine into an encrypted repository that restic can open, and restores it.")
    .usage("<command> [options]")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({
      subcommandTerm: (command) => command.name(),
      formatHelp: (command, helper) =>
        command === program ? programHelp(program, helper) : Help.prototype.formatHelp.call(helper, command, helper),
    })
    .configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void world.stderr.write(text),
      outputError: (text, write) => write(usageErrorText(text, style.bad)),
      getOutHelpWidth: () => Math.min(world.stdout.columns, helpColumnsMax),
      getErrHelpWidth: () => Math.min(world.stderr.columns, helpColumnsMax),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  addGlobalOptions(program, { hidden: false });
}

/** Longer lines are hard to read. */
const helpColumnsMax = 100;

/** commander's "error: unknown option '--x'" as a sentence; its suggestion, on a second line, stays. */
function usageErrorText(text: string, paint: (text: string) => string): string {
  const [first = "", ...rest] = text.replace(/^error: /, "").split("\n");
  const sentence = first.charAt(0).toUpperCase() + first.slice(1).replace(/([^.])$/, "$1.");
  return [paint(sentence), ...rest].join("\n");
}

/** restic also takes `--verbose=2`. */
function expandVerbose(argv: readonly string[]): string[] {
  return argv.flatMap((argument) => {
    const level = /^--verbose=([0-9])$/.exec(argument)?.[1];
    return level === undefined ? [argument] : Array.from({ length: Number(level) }, () => "-v");
  });
}
