import type { ToolName } from "../tools/tool.ts";
import { type FigureRow, figureGroups, type Figures, type Metric, ratio, sizeRows } from "./figures.ts";
import type { Results, Work } from "./results.ts";

/** What SaveOS wants to be, as times: the peer's figure, or a fixed limit, over ours. Of several rows the worst counts. */
export interface Goal {
  readonly title: string;
  readonly atLeast: number;
  readonly aim?: number;
  /** The ratios that it is about, each with where it was measured. */
  readonly ratios: (results: Results) => readonly PlacedRatio[];
}

export interface PlacedRatio {
  readonly where: string;
  readonly ratio: number;
}

export interface JudgedGoal extends Goal {
  /** The worst of its ratios; undefined if none was measured. */
  readonly measured: PlacedRatio | undefined;
  readonly verdict: "aim reached" | "met" | "missed" | "not measured";
}

/** restic may need two thirds of our memory, not less: ours is then 1.5 times its. */
const memoryAtLeast = 1 / 1.5;
/** And 2 % less space. */
const sizeAtLeast = 1 / 1.02;

export const goals: readonly Goal[] = [
  timeGoal("full backup, source tree", "source", "full", { atLeast: 2, aim: 3 }),
  timeGoal("full backup, big files", "big", "full", { atLeast: 1.8, aim: 2.5 }),
  timeGoal("full backup, tiny files", "tiny", "full", { atLeast: 1.6, aim: 2.5 }),
  timeGoal("nothing changed, source tree", "source", "unchanged", { atLeast: 2.5, aim: 6 }),
  timeGoal("nothing changed, tiny files", "tiny", "unchanged", { atLeast: 2.5, aim: 6 }),
  timeGoal("1 % changed, source tree", "source", "changed", { atLeast: 2, aim: 5 }),
  timeGoal("1 % changed, big files", "big", "changed", { atLeast: 2, aim: 5 }),
  timeGoal("1 % changed, tiny files", "tiny", "changed", { atLeast: 2, aim: 5 }),
  timeGoal("restore, source tree", "source", "restore", { atLeast: 1.6, aim: 2.5 }),
  timeGoal("restore, big files", "big", "restore", { atLeast: 1.4, aim: 2 }),
  timeGoal("check of all data, source tree", "source", "check", { atLeast: 1.2, aim: 2 }),
  timeGoal("check of all data, big files", "big", "check", { atLeast: 1.2, aim: 2 }),
  timeGoal("check of all data, tiny files", "tiny", "check", { atLeast: 1.2, aim: 2 }),
  timeGoal("full backup through a server, source tree", "server", "full", { atLeast: 1.5, aim: 2.5 }),
  {
    title: "CPU seconds, full backup, worst row",
    atLeast: 1.8,
    aim: 2.5,
    ratios: (results) => rowRatios(results, "CPU s", "restic", ({ scene, work }) => work === "full" && isLocal(scene)),
  },
  {
    title: "peak memory, worst row",
    atLeast: memoryAtLeast,
    aim: 1,
    ratios: (results) => rowRatios(results, "peak MB", "restic", () => true),
  },
  {
    title: "repository size, worst row",
    atLeast: sizeAtLeast,
    aim: 1,
    ratios: (results) =>
      placed(
        sizeRows(results).map(({ scene, figures }) => ({ where: scene, figures })),
        "restic",
      ),
  },
  {
    title: "ahead of borg in time, worst row",
    atLeast: 1,
    ratios: (results) => rowRatios(results, "wall s", "borg", () => true),
  },
  {
    title: "ahead of borg in space, worst row",
    atLeast: 1,
    ratios: (results) =>
      placed(
        sizeRows(results).map(({ scene, figures }) => ({ where: scene, figures })),
        "borg",
      ),
  },
  limitGoal("opening 5 million blobs within 500 MB, worst row", "index-5m", "peak MB", 500),
  limitGoal("opening 5 million blobs within 10 s, worst row", "index-5m", "wall s", 10),
  limitGoal("a folder of a million files within 1000 MB, worst row", "wide-directory", "peak MB", 1000),
];

/** Judges every goal against what was measured. */
export function judgeGoals(results: Results): JudgedGoal[] {
  return goals.map((goal) => {
    const measured = goal.ratios(results).toSorted((a, b) => a.ratio - b.ratio)[0];
    return { ...goal, measured, verdict: verdictOf(goal, measured?.ratio) };
  });
}

function verdictOf({ atLeast, aim }: Goal, measured: number | undefined): JudgedGoal["verdict"] {
  if (measured === undefined) return "not measured";
  if (measured < atLeast) return "missed";
  return aim !== undefined && measured >= aim ? "aim reached" : "met";
}

/** restic's wall time over ours. */
function timeGoal(title: string, scene: string, work: Work, limits: { atLeast: number; aim: number }): Goal {
  const isRow = (row: FigureRow) => row.scene === scene && row.work === work;
  return { title, ...limits, ratios: (results) => rowRatios(results, "wall s", "restic", isRow) };
}

/** A limit of our own in each row of a scene, whatever the peers need. */
function limitGoal(title: string, scene: string, metric: Metric, limit: number): Goal {
  const ratios = (results: Results) => {
    const rows = figureGroups(results).flatMap(({ rows }) => rows.filter((row) => row.scene === scene));
    return rows.flatMap(({ title: where, figures }) => {
      const ours = figures[metric].SaveOS;
      return ours === undefined ? [] : [{ where, ratio: limit / ours }];
    });
  };
  return { title, atLeast: 1, ratios };
}

function rowRatios(
  results: Results,
  metric: Metric,
  peer: ToolName,
  isMeant: (row: FigureRow) => boolean,
): PlacedRatio[] {
  const rows = figureGroups(results).flatMap(({ rows }) => rows.filter(isMeant));
  return placed(
    rows.map(({ scene, title, figures }) => ({ where: `${scene}, ${title}`, figures: figures[metric] })),
    peer,
  );
}

function placed(rows: readonly { where: string; figures: Figures }[], peer: ToolName): PlacedRatio[] {
  return rows.flatMap(({ where, figures }) => {
    const value = ratio(figures, peer);
    return value === undefined ? [] : [{ where, ratio: value }];
  });
}

function isLocal(scene: string): boolean {
  return scene !== "server";
}
