import { styleFor } from "../terminal/style.ts";
import { drawProgress, ProgressDisplay, type ProgressDisplayOptions } from "../terminal/progress-display.ts";
import type { Output } from "../terminal/output.ts";
import type { Invocation } from "./command-line.ts";

/** Smooth to the eye, and nothing beside the work. */
const terminalIntervalMs = 100;
/** Often enough for a monitor, and no flood in its log. */
const jsonIntervalMs = 500;
/** restic's limit for RESTIC_PROGRESS_FPS. */
const framesPerSecondMax = 60;

/** Whether anybody sees how far the work is: totals are counted only then. */
export function showsProgress({ world, print }: Audience): boolean {
  const { json, quiet } = print.options;
  return !quiet && (json || world.stdout.isTerminal);
}

interface Audience {
  readonly world: { readonly stdout: Pick<Output, "isTerminal"> };
  readonly print: { readonly options: { readonly json: boolean; readonly quiet: boolean } };
}

/**
 * Progress as the person or program behind the command wants it: drawn on a terminal, as JSON `status` lines, or not at all. `record` makes
 * the JSON.
 */
export function showProgress(
  { world, print }: Pick<Invocation, "world" | "print">,
  record: (...shown: Parameters<ProgressDisplayOptions["show"]>) => unknown,
): ProgressDisplay {
  const { stdout, env, clock } = world;
  const { json } = print.options;
  const isShown = showsProgress({ world, print });
  const draw = drawProgress(print.live, stdout, styleFor(stdout, env));
  const show: ProgressDisplayOptions["show"] = (progress, shownCounts) => {
    if (!isShown) return;
    if (json) void print.record(record(progress, shownCounts));
    else draw(progress, shownCounts);
  };
  const wanted = Number(env["RESTIC_PROGRESS_FPS"]);
  const intervalMs =
    wanted > 0 ? 1000 / Math.min(wanted, framesPerSecondMax) : json ? jsonIntervalMs : terminalIntervalMs;
  return new ProgressDisplay({ clock, intervalMs, show });
}
