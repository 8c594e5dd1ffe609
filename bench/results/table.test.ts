import { describe, expect, test } from "vitest";
import { tableLines } from "./table.ts";
import { resultsWith } from "./testing.ts";

const plain = (_: unknown, text: string) => text;

const results = resultsWith(
  [
    { tool: "SaveOS", wallSeconds: 12.34, cpuSeconds: 20, peakBytes: 134e6 },
    { tool: "restic", wallSeconds: 31, cpuSeconds: 45.3, peakBytes: 120e6 },
    { tool: "SaveOS", work: "restore", wallSeconds: 9.876, cpuSeconds: 1, peakBytes: 50e6 },
  ],
  { SaveOS: 341e6, restic: 336e6 },
);

describe("the table", () => {
  const lines = tableLines(results, plain).flatMap((line) => line.split("\n"));
  const lineOf = (label: string) => lines.find((line) => line.trim().startsWith(label)) ?? "";

  test("a row shows each tool's median, and how many times SaveOS's each peer needs", () => {
    expect(
      lineOf("full backup")
        .split(/\s{2,}/)
        .filter(Boolean)
        .slice(0, 4),
    ).toEqual(["full backup", "12.3", "31.0 ×2.51", "–"]);
  });

  test("figures of one tool stand below each other and below its name", () => {
    const endOf = (line: string, text: string) => line.indexOf(text) + text.length;
    const head = lines[1] ?? "";
    expect(endOf(head, "restic")).toBe(endOf(lineOf("full backup"), "31.0"));
    expect(endOf(head, "SaveOS")).toBe(endOf(lineOf("restore"), "9.88"));
  });

  test("what was not measured is a dash, and has no ratio", () => {
    expect(lineOf("restore")).not.toContain("×");
    expect(lineOf("restore")).toMatch(/9\.88\s+–\s+–/);
  });

  test("the repository's size has its own rows", () => {
    expect(lines.find((line) => /^source tree\s+341/.test(line))).toMatch(/341\s+336 ×0\.99/);
  });

  test("nothing is wider than a usual wide terminal, and no line ends with blanks", () => {
    for (const line of lines) {
      expect(line.length).toBeLessThanOrEqual(120);
      expect(line).toBe(line.trimEnd());
    }
  });

  test("a peer that SaveOS is ahead of is green, one that is ahead is red", () => {
    const painted = tableLines(results, (format, text) =>
      format === "bold" || format === "dim" ? text : `<${String(format)}${text}>`,
    );
    expect(painted.join("\n")).toMatch(/<green ×2\.51/);
    expect(painted.join("\n")).toMatch(/<red ×0\.99/);
  });
});
