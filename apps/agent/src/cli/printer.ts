import path from "node:path";
import { type ExitCode, exitCodeOf } from "../errors/exit-code.ts";
import { isAgentError } from "../errors/agent-error.ts";
import { messageOf } from "../errors/system-error.ts";
import { jsonText } from "../terminal/json.ts";
import { LiveLines } from "../terminal/live-lines.ts";
import { styleFor, type Style } from "../terminal/style.ts";
import type { World } from "../world.ts";

export interface PrinterOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** 0 ordinary, 1 with `-v`, 2 with `-vv`. */
  readonly verbosity: number;
}

/** Says what a command has to say: to people as text, to machines as JSON lines, nothing beside the result when it is to be quiet. */
export class Printer {
  readonly options: PrinterOptions;
  /** Colours of standard output. */
  readonly style: Style;
  /** Progress, at the bottom of the terminal. */
  readonly live: LiveLines;
  readonly #world: World;

  constructor(world: World, options: PrinterOptions) {
    this.#world = world;
    this.options = options;
    this.style = styleFor(world.stdout, world.env);
    this.live = new LiveLines(world.stdout);
  }

  /** The result, for people. */
  async result(...lines: readonly string[]): Promise<void> {
    if (this.options.json) return;
    this.live.clear();
    await this.#world.stdout.write(lines.map((line) => `${line}\n`).join(""));
  }

  /** What is good to know; left out with `--quiet`. */
  async info(...lines: readonly string[]): Promise<void> {
    if (!this.options.quiet) await this.result(...lines);
  }

  /** What only `-v` (1) or `-vv` (2) shows. */
  async detail(level: 1 | 2, line: string): Promise<void> {
    if (this.options.verbosity >= level) await this.info(this.style.quiet(line));
  }

  /** One line of JSON, for machines. */
  async record(value: unknown): Promise<void> {
    if (this.options.json) await this.#world.stdout.write(`${jsonText(value)}\n`);
  }

  /** Something that went wrong without ending the command. `item` is what it went wrong with, `during` what was being done. */
  async problem({ item, message, during }: { item: string; message: string; during: string }): Promise<void> {
    if (this.options.json) {
      const record = { message_type: "error", error: { message }, during, item };
      await this.#world.stderr.write(`${jsonText(record)}\n`);
      return;
    }
    // Most messages name what they are about.
    await this.warn(message.includes(path.basename(item)) ? message : `${item}: ${message}`);
  }

  /** An error that concerns no file, as restic's `check` prints it for machines. */
  async plainError(message: string): Promise<void> {
    await this.#world.stderr.write(`${jsonText({ message_type: "error", message })}\n`);
  }

  /** A sentence on standard error. */
  async warn(message: string): Promise<void> {
    this.live.clear();
    const style = styleFor(this.#world.stderr, this.#world.env);
    await this.#world.stderr.write(`${style.warning("!")} ${message}\n`);
  }

  /** The command did its work, but not all of it: its exit code is not 0, and this says why. */
  async partial(message: string, code: ExitCode): Promise<void> {
    if (this.options.json)
      await this.#world.stderr.write(`${jsonText({ message_type: "exit_error", code, message })}\n`);
    else await this.warn(message);
  }

  /** Why the command failed, as restic's `exit_error` for machines (restic manual, "Scripting"), and what to do about it for people. */
  async failure(error: unknown): Promise<void> {
    const { stderr, env, signal } = this.#world;
    if (isAgentError(signal.reason, "output-closed")) return;
    if (this.options.json) {
      const record = {
        message_type: "exit_error",
        code: exitCodeOf(error, signal),
        message: sentenceOf(error, signal),
      };
      await stderr.write(`${jsonText(record)}\n`);
    } else {
      this.live.clear();
      const style = styleFor(stderr, env);
      await stderr.write(`${style.bad(sentenceOf(error, signal))}\n`);
      const hint = signal.aborted ? undefined : hintOf(error);
      if (hint !== undefined) await stderr.write(`${hint}\n`);
    }
    if (env["SAVEOS_DEBUG"] === "1") await stderr.write(`${debugText(error)}\n`);
  }
}

function sentenceOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return "Interrupted.";
  return messageOf(error).replace(/([^.!?…])$/, "$1.");
}

/** Engine errors and agent errors have hints; a bug has the way to say more about it. */
function hintOf(error: unknown): string | undefined {
  if (isAgentError(error)) return error.hint;
  if (error instanceof Error && error.name === "EngineError") return hintOfEngineError(error);
  // What it says is all that there is to say.
  if (error instanceof Error && error.name === "VaultError") return undefined;
  return "This looks like a fault in SaveOS. Run it again with SAVEOS_DEBUG=1 to see where it happened.";
}

function hintOfEngineError(error: Error): string | undefined {
  return "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
}

function debugText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${debugText(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
