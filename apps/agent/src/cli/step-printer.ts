import { formatBytes, formatCount } from "../terminal/quantities.ts";
import type { Invocation } from "./command-line.ts";

/** How far a step of an operation is. */
export interface StepProgress<Step extends string> {
  readonly step: Step;
  readonly done: number;
  readonly total: number | undefined;
  readonly bytesDone?: number;
  readonly bytesTotal?: number;
}

export interface StepNames<Step extends string> {
  /** What the command does, such as "Checking". */
  readonly verb: string;
  readonly names: Readonly<Record<Step, string>>;
  /** Steps that go on at the same time. Any other is over when the next begins. */
  readonly together?: readonly Step[];
}

/** Smooth to the eye, and nothing beside the work. */
const drawIntervalMs = 100;

/** Shows the steps that are under way with how far they are; on a terminal in place, elsewhere nothing: the result says it all. */
export function stepPrinter<Step extends string>(
  { world, print }: Pick<Invocation, "world" | "print">,
  { verb, names, together = [] }: StepNames<Step>,
): (progress: StepProgress<Step>) => void {
  const running = new Map<Step, string>();
  let shownMs = 0;
  return ({ step, done, total, bytesDone, bytesTotal }) => {
    if (print.options.json || print.options.quiet) return;
    const isNew = !running.has(step);
    const count = total === undefined ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`;
    const bytes =
      bytesDone === undefined || bytesTotal === undefined
        ? ""
        : ` · ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`;
    if (isNew) for (const over of running.keys()) if (!isTogether(over, step)) running.delete(over);
    running.set(step, `${verb}  ${names[step]} ${count}${bytes}`.slice(0, world.stdout.columns - 1));
    const nowMs = Number(world.clock.nowNs() / 1_000_000n);
    if (!isNew && nowMs - shownMs < drawIntervalMs) return;
    shownMs = nowMs;
    print.live.draw([...running.values()]);
  };

  function isTogether(one: Step, other: Step): boolean {
    return together.includes(one) && together.includes(other);
  }
}
