import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { BenchError } from "../bench-error.ts";
import { pageFile, resultsMarkdown, withResults } from "./page.ts";
import { resultsWith } from "./testing.ts";

const results = resultsWith(
  [
    { tool: "SaveOS", wallSeconds: 10 },
    { tool: "restic", wallSeconds: 25 },
  ],
  { SaveOS: 341e6, restic: 336e6 },
);

/** What people wrote: before and after the markers. */
const outside = (page: string) => [page.split("<!-- results")[0], page.split("end of results -->")[1]];

describe("the page of results", () => {
  test("says when and where it was measured, and with which versions", () => {
    expect(resultsMarkdown(results)).toContain(
      "Measured on 2026-01-31: A processor, 2 cores, 8 GiB, Linux 6, Node 26.10.0. SaveOS 0.1.0, restic 0.19.1.",
    );
  });

  test("has a row a work, and the targets with a plain verdict", () => {
    const markdown = resultsMarkdown(results);
    expect(markdown).toContain("| full backup | 10.0 | 25.0 (×2.50) | not measured |");
    expect(markdown).toContain("| full backup, source tree | ×2.50 | ×2.00 | ×3.00 | met |");
    expect(markdown).toContain("| source tree | 341 | 336 (×0.99) | not measured |");
  });

  test("leaves out the targets for which nothing was measured", () => {
    expect(resultsMarkdown(results)).not.toContain("full backup, big files");
  });

  test("keeps everything outside its markers, however often it is written", async () => {
    const page = await readFile(pageFile, "utf8");
    const once = withResults(page, "first");
    const twice = withResults(once, "second");
    expect(withResults(twice, "first")).toBe(once);
    expect(once).toContain("first");
    expect(twice).not.toContain("first\n");
    expect(outside(twice)).toEqual(outside(page));
  });

  test("without its markers it is left alone", () => {
    expect(() => withResults("# A page without", "results")).toThrow(BenchError);
  });
});
