import type { styleText } from "node:util";
import { toolNames, type ToolName } from "../tools/tool.ts";
import {
  type FigureRow,
  figureGroups,
  type Figures,
  figureText,
  metrics,
  ratio,
  ratioText,
  sizeRows,
} from "./figures.ts";
import type { Results } from "./results.ts";

/** Colours a finished cell; off a terminal it returns the text as it is. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

const labelWidth = 20;
const figureWidth = 6;
const ratioWidth = 6;
const columnGap = "  ";
const notMeasured = "–";

const peers = toolNames.filter((name) => name !== "SaveOS");

/** The one table: a row a work; each peer's figure with how many times SaveOS's it is. */
export function tableLines(results: Results, paint: Paint): string[] {
  const { rounds } = results;
  const sizes = sizeRows(results);
  return [
    headOf(metrics, paint),
    ...figureGroups(results).flatMap(({ title, rows }) => [
      paint("bold", title),
      ...rows.map((row) => workLine(row, paint)),
      "",
    ]),
    ...(sizes.length === 0
      ? []
      : [headOf(["repository MB"], paint), ...sizes.map((row) => line(row.title, [cellsOf(row.figures, paint)])), ""]),
    paint(
      "dim",
      `${rounds === 1 ? "One round" : `Medians of ${rounds} rounds`}. ×2.00: the peer needs twice what SaveOS needs.`,
    ),
  ];
}

function headOf(titles: readonly string[], paint: Paint): string {
  const tools = [
    "SaveOS".padStart(figureWidth),
    ...peers.map((peer) => peer.padStart(figureWidth) + " ".repeat(ratioWidth)),
  ];
  const width = tools.join(" ").length;
  const above = titles.map((title) => title.padStart(figureWidth).padEnd(width));
  const below = titles.map(() => tools.join(" "));
  return [paint("bold", line("", above)), paint("dim", line("", below))].join("\n");
}

function workLine({ title, figures }: FigureRow, paint: Paint): string {
  const columns = metrics.map((metric) => cellsOf(figures[metric], paint));
  return line(`  ${title}`, columns);
}

function cellsOf(figures: Figures, paint: Paint): string {
  return [figureCell(figures.SaveOS), ...peers.map((peer) => peerCell(figures, peer, paint))].join(" ");
}

function line(label: string, columns: readonly string[]): string {
  return (label.padEnd(labelWidth) + columns.join(columnGap)).trimEnd();
}

function figureCell(value: number | undefined): string {
  return (value === undefined ? notMeasured : figureText(value)).padStart(figureWidth);
}

function peerCell(figures: Figures, peer: ToolName, paint: Paint): string {
  const value = ratio(figures, peer);
  const text = (value === undefined ? "" : ` ${ratioText(value)}`).padEnd(ratioWidth);
  return figureCell(figures[peer]) + (value === undefined ? text : paint(value >= 1 ? "green" : "red", text));
}
