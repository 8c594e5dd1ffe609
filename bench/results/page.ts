import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BenchError } from "../bench-error.ts";
import { toolNames, type ToolName } from "../tools/tool.ts";
import { versionsText } from "../tools/find-tools.ts";
import { figureGroups, type Figures, figureText, metrics, ratio, ratioText, sizeRows } from "./figures.ts";
import { judgeGoals } from "./goals.ts";
import { machineText } from "./machine.ts";
import type { Results } from "./results.ts";

export const pageFile = join(import.meta.dirname, "../../docs/performance.md");

/** Lines between which a program writes. */
export interface Markers {
  readonly begin: string;
  readonly end: string;
}

const resultMarkers: Markers = {
  begin: "<!-- results: written by `npm run bench -- --write` -->",
  end: "<!-- end of results -->",
};

/** Puts the results between the markers of docs/performance.md; everything else there is written by people. */
export async function writePage(results: Results): Promise<void> {
  await writeFile(pageFile, withResults(await readFile(pageFile, "utf8"), resultsMarkdown(results)));
}

/** The page with other results. Throws `BenchError` if the markers are not there, once each and in order. */
export function withResults(page: string, markdown: string, { begin, end }: Markers = resultMarkers): string {
  const [before, rest, ...more] = page.split(begin);
  const [, after, ...evenMore] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined || more.length > 0 || evenMore.length > 0)
    throw new BenchError(`The page of results must have "${begin}" and "${end}" once each, in this order.`);
  return `${before}${begin}\n\n${markdown}\n${end}${after}`;
}

/** What is between the markers. */
export function resultsMarkdown(results: Results): string {
  const { startedAt, machine, rounds, acceptedByRestic } = results;
  const scenes = results.scenes.map(({ name }) => name).filter((name) => acceptedByRestic.includes(name));
  return [
    `Measured on ${startedAt.slice(0, 10)}: ${machineText(machine)}. ${versionsText(results)}. ` +
      `${rounds === 1 ? "One round" : `Medians of ${rounds} rounds`}; ×2.00 means that the peer needs twice what SaveOS needs.`,
    "",
    ...metrics.flatMap((metric) => [
      ...tableHead(metric),
      ...figureGroups(results).flatMap(({ title, rows }) => [
        `| **${title}** | | | |`,
        ...rows.map((row) => tableRow(row.title, row.figures[metric])),
      ]),
      "",
    ]),
    ...tableHead("repository MB"),
    ...sizeRows(results).map(({ title, figures }) => tableRow(title, figures)),
    "",
    scenes.length === 0
      ? "No repository was judged by restic."
      : `Every restore was compared with its corpus: equal. \`restic check --read-data\` accepted SaveOS's repositories of: ${scenes.join(", ")}.`,
    "",
    "### Against the targets",
    "",
    "How many times as fast, as lean or as small as restic, or as the target says; of several rows the worst. Targets for which nothing was measured are left out.",
    "",
    "| target | measured | at least | aim | |",
    "|---|---:|---:|---:|---|",
    ...judgeGoals(results)
      .filter(({ verdict }) => verdict !== "not measured")
      .map(
        ({ title, measured, atLeast, aim, verdict }) =>
          `| ${title}${measured === undefined || !title.endsWith("worst row") ? "" : ` (${measured.where})`} | ` +
          `${measured === undefined ? "–" : ratioText(measured.ratio)} | ${ratioText(atLeast)} | ${aim === undefined ? "" : ratioText(aim)} | ${verdict === "missed" ? "**missed**" : verdict} |`,
      ),
    "",
  ].join("\n");
}

function tableHead(metric: string): string[] {
  return [`| ${metric} | ${toolNames.join(" | ")} |`, `|---|${toolNames.map(() => "---:|").join("")}`];
}

function tableRow(title: string, figures: Figures): string {
  return `| ${title} | ${toolNames.map((tool) => cell(figures, tool)).join(" | ")} |`;
}

function cell(figures: Figures, tool: ToolName): string {
  const value = figures[tool];
  if (value === undefined) return "not measured";
  const times = tool === "SaveOS" ? undefined : ratio(figures, tool);
  return figureText(value) + (times === undefined ? "" : ` (${ratioText(times)})`);
}
