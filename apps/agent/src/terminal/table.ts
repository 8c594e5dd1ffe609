import { padEnd, padStart, textWidth } from "./text-width.ts";

export interface Column<Row> {
  readonly title: string;
  /** One string a line: a cell may have several. */
  readonly cell: (row: Row) => readonly string[];
  readonly align?: "right";
}

/** Lines of a table: titles, a rule, the rows, a rule. Columns are as wide as their widest cell. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const body = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, index) =>
    body.reduce((width, cells) => Math.max(width, ...(cells[index] ?? []).map(textWidth)), textWidth(column.title)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map((column, index) => (column.align === "right" ? padStart : padEnd)(cells[index] ?? "", widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  const rule = "─".repeat(widths.reduce((sum, width) => sum + width, 2 * (columns.length - 1)));
  return [line(columns.map((column) => column.title)), rule, ...body.flatMap((cells) => rowLines(cells, line)), rule];
}

function rowLines(cells: readonly (readonly string[])[], line: (cells: readonly string[]) => string): string[] {
  const height = Math.max(1, ...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, index) => line(cells.map((cell) => cell[index] ?? "")));
}
