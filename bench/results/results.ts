import type { Measured } from "../measure/measure.ts";
import type { ToolName } from "../tools/tool.ts";
import type { Machine } from "./machine.ts";

/** In the order in which a round does them. */
export const works = ["full", "unchanged", "changed", "restore", "check", "open", "open-again"] as const;
export type Work = (typeof works)[number];

export const workTitles: Readonly<Record<Work, string>> = {
  full: "full backup",
  unchanged: "nothing changed",
  changed: "1 % changed",
  restore: "restore",
  check: "check of all data",
  open: "open, no cache",
  "open-again": "open again",
};

/** One run of one tool. */
export interface Sample extends Measured {
  readonly scene: string;
  readonly work: Work;
  readonly tool: ToolName;
  readonly round: number;
}

/** What a repository takes after the full backup: the sum of its files' sizes. */
export interface RepositorySize {
  readonly scene: string;
  readonly tool: ToolName;
  readonly round: number;
  readonly bytes: number;
}

/** Everything that a run of the bench found out; `--json` writes it as it is. */
export interface Results {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly machine: Machine;
  readonly versions: Readonly<Partial<Record<ToolName, string>>>;
  readonly rounds: number;
  readonly quick: boolean;
  readonly scenes: readonly { readonly name: string; readonly title: string; readonly works: readonly Work[] }[];
  readonly samples: Sample[];
  readonly sizes: RepositorySize[];
  /** The scenes whose SaveOS repository stock restic read and found whole; the bench stops if it does not. */
  readonly acceptedByRestic: string[];
}

export interface Place {
  readonly scene: string;
  readonly work: Work;
  readonly tool: ToolName;
}

/** The median of each figure by itself; undefined if there was no such run. */
export function measuredAt({ samples }: Results, { scene, work, tool }: Place): Measured | undefined {
  const found = samples.filter((sample) => sample.scene === scene && sample.work === work && sample.tool === tool);
  if (found.length === 0) return undefined;
  return {
    wallSeconds: median(found.map(({ wallSeconds }) => wallSeconds)),
    cpuSeconds: median(found.map(({ cpuSeconds }) => cpuSeconds)),
    peakBytes: median(found.map(({ peakBytes }) => peakBytes)),
  };
}

export function sizeAt({ sizes }: Results, { scene, tool }: Omit<Place, "work">): number | undefined {
  const found = sizes.filter((size) => size.scene === scene && size.tool === tool);
  return found.length === 0 ? undefined : median(found.map(({ bytes }) => bytes));
}

/** The middle one, or halfway between the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  if (low === undefined || high === undefined) throw new RangeError("There is no median of nothing");
  return (low + high) / 2;
}
