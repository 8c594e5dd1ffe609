import { styleFor } from "../terminal/style.ts";
import { drawProgress, ProgressDisplay, type ProgressDisplayOptions } from "../terminal/progress-display.ts";
import type { Invocation } from "./command-line.ts";

/** Smooth to the eye, and nothing beside the work. */
const terminalIntervalMs = 100;
/** Often enough for a monitor, and no flood in its log. */
const jsonIntervalMs = 500;
/** restic's limit for RESTIC_PROGRESS_FPS. */
const framesPerSecondMax = 60;

/**
 * Progress as the person or program behind the command wants it: drawn on a terminal, as JSON `status` lines, or not at all. `record` makes
 * the JSON.
 */
export function showProgress(
  { world, print }: Pick<Invocation, "world" | "print">,
  record: (...shown: Parameters<ProgressDisplayOptions["show"]>) => unknown,
): ProgressDisplay {
  const { stdout, env, clock } = world;
  const { json, quiet } = print.options;
  const draw = drawProgress(print.live, stdout, styleFor(stdout, env));
  const show: ProgressDisplayOptions["show"] = (progress, shownCounts) => {
    if (quiet) return;
    if (json) void print.record(record(progress, shownCounts));
    else draw(progress, shownCounts);
  };
  const wanted = Number(env["RESTIC_PROGRESS_FPS"]);
  const intervalMs =
    wanted > 0 ? 1000 / Math.min(wanted, framesPerSecondMax) : json ? jsonIntervalMs : terminalIntervalMs;
  return new ProgressDisplay({ clock, intervalMs, show });
}
