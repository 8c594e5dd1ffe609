import type { Paint } from "../results/table.ts";
import type { Section } from "./report.ts";

/** For a page in Markdown. */
export function markdownOf(introduction: string, sections: readonly Section[]): string {
  return [introduction, "", ...sections.flatMap(sectionMarkdown)].join("\n");
}

function sectionMarkdown({ title, head, rows, notes }: Section): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    `### ${title}`,
    "",
    line(head),
    `|---|${head
      .slice(1)
      .map(() => "---:|")
      .join("")}`,
    ...rows.map(line),
    "",
    ...notes.flatMap((note) => [note, ""]),
  ];
}

/** For a terminal: each column as wide as what is in it. */
export function terminalLines(sections: readonly Section[], paint: Paint): string[] {
  return sections.flatMap(({ title, head, rows, notes }) => {
    const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
    const line = (cells: readonly string[]) =>
      cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ");
    return ["", paint("bold", title), paint("dim", line(head)), ...rows.map(line), ...notes];
  });
}
