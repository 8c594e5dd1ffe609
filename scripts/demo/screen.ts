import { stripVTControlCharacters } from "node:util";

/** What the person sees. On a terminal lines are redrawn and coloured; otherwise each step is one plain line. */
const terminal = process.stdout;
const isLive = terminal.isTTY;
const hasColour = isLive && process.env["NO_COLOR"] === undefined;
const labelWidth = 38;
const barWidth = 24;
/** The least time between two drawings of a bar. */
const redrawMs = 100;

/** Something that the person can do something about: its message is all that is shown. */
export class DemoError extends Error {}

export function say(...lines: string[]): void {
  for (const line of lines) console.log(line);
}

/** Shows a step while it runs, and one line with what came of it. `work` may draw a bar. */
export async function step<Result>(
  label: string,
  work: (draw: (share: number, text: string) => void) => Promise<Result>,
  outcome: (result: Result) => string,
): Promise<Result> {
  let drawnMs = 0;
  const draw = (share: number, text: string) => {
    if (!isLive || performance.now() - drawnMs < redrawMs) return;
    drawnMs = performance.now();
    const filled = Math.round(Math.min(Math.max(share, 0), 1) * barWidth);
    redraw(`  ${label.padEnd(labelWidth)}${accent("━".repeat(filled))}${dim("━".repeat(barWidth - filled))} ${text}`);
  };
  if (isLive) redraw(`  ${label.padEnd(labelWidth)}${dim("…")}`);
  try {
    const result = await work(draw);
    clear();
    say(`${good("✓")} ${label.padEnd(labelWidth)}${outcome(result)}`);
    return result;
  } catch (error) {
    clear();
    say(`${bad("✗")} ${label}`);
    throw error;
  }
}

/** Ends the program with what went wrong, as a sentence. */
export function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : String(error));
  if (!(error instanceof DemoError) && process.env["SAVEOS_DEBUG"] === "1") console.error(error);
  process.exitCode = 1;
}

const numbers = new Intl.NumberFormat("en");

export function count(number: number): string {
  return numbers.format(number);
}

/** Decimal, as people buy disks. */
export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ""}`;
}

function redraw(line: string): void {
  const width = terminal.columns - 1;
  const shown = stripVTControlCharacters(line).length > width ? stripVTControlCharacters(line).slice(0, width) : line;
  terminal.write(`\r\x1b[2K${shown}`);
}

function clear(): void {
  if (isLive) terminal.write("\r\x1b[2K");
}

function colour(code: number): (text: string) => string {
  return (text) => (hasColour ? `\x1b[${code}m${text}\x1b[0m` : text);
}

const good = colour(32);
const bad = colour(31);
const accent = colour(36);
const dim = colour(90);
