import { stripVTControlCharacters, styleText } from "node:util";
import { BenchError } from "./bench-error.ts";
import type { Paint } from "./results/table.ts";

const terminal = process.stdout;

/** Colours only where there is a terminal that wants them (`NO_COLOR` is heard). */
export const paint: Paint = (format, text) => styleText(format, text, { stream: terminal });

export function say(...lines: string[]): void {
  clear();
  for (const line of lines) console.log(line);
}

/** What is being done, on one line that the next one replaces; nothing off a terminal. */
export function progress(text: string): void {
  if (!terminal.isTTY) return;
  terminal.write(`\r\x1b[2K${paint("dim", stripVTControlCharacters(text).slice(0, terminal.columns - 1))}`);
}

/** What was done: a line of its own off a terminal, where nobody can see the progress line. */
export function done(text: string): void {
  if (!terminal.isTTY) console.log(text);
}

/** Ends the program with what went wrong, as a sentence; bugs come with their stack. */
export function fail(error: unknown): void {
  clear();
  console.error(error instanceof BenchError ? paint("red", error.message) : error);
  process.exitCode = 1;
}

function clear(): void {
  if (terminal.isTTY) terminal.write("\r\x1b[2K");
}
