import { toolNames, type ToolName } from "../tools/tool.ts";
import { measuredAt, type Results, sizeAt, type Work, workTitles } from "./results.ts";

/** A figure of SaveOS and of its peers, in the unit shown. */
export type Figures = Readonly<Partial<Record<ToolName, number>>>;

export const metrics = ["wall s", "CPU s", "peak MB"] as const;
export type Metric = (typeof metrics)[number];

export interface FigureRow {
  readonly scene: string;
  readonly work: Work;
  readonly title: string;
  readonly figures: Readonly<Record<Metric, Figures>>;
}

/** What the table and the page show: scenes with their rows, in the order measured. */
export function figureGroups(results: Results): { readonly title: string; readonly rows: readonly FigureRow[] }[] {
  return results.scenes.map(({ name: scene, title, works }) => ({
    title,
    rows: works.map((work) => ({ scene, work, title: workTitles[work], figures: figuresOf(results, scene, work) })),
  }));
}

/** Repository sizes in MB after the full backup, a row a scene that has any. */
export function sizeRows(
  results: Results,
): { readonly scene: string; readonly title: string; readonly figures: Figures }[] {
  return results.scenes.flatMap(({ name: scene, title }) => {
    const figures = byTool((tool) => megabytes(sizeAt(results, { scene, tool })));
    return Object.keys(figures).length === 0 ? [] : [{ scene, title: title.split(":")[0] ?? title, figures }];
  });
}

function figuresOf(results: Results, scene: string, work: Work): FigureRow["figures"] {
  const at = (tool: ToolName) => measuredAt(results, { scene, work, tool });
  return {
    "wall s": byTool((tool) => at(tool)?.wallSeconds),
    "CPU s": byTool((tool) => at(tool)?.cpuSeconds),
    "peak MB": byTool((tool) => megabytes(at(tool)?.peakBytes)),
  };
}

function byTool(figure: (tool: ToolName) => number | undefined): Figures {
  return Object.fromEntries(
    toolNames.flatMap((tool) => {
      const value = figure(tool);
      return value === undefined ? [] : [[tool, value]];
    }),
  );
}

function megabytes(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1e6;
}

/** How many times SaveOS's figure the peer needs: above 1, SaveOS is ahead. */
export function ratio(figures: Figures, peer: ToolName): number | undefined {
  const [ours, theirs] = [figures.SaveOS, figures[peer]];
  return ours === undefined || theirs === undefined ? undefined : theirs / ours;
}

/** As many digits as mean something: one decimal below a hundred, two below ten for seconds. */
export function figureText(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

export function ratioText(value: number): string {
  return `×${value < 10 ? value.toFixed(2) : value.toFixed(1)}`;
}
