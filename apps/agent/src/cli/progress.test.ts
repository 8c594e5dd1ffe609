import { expect, test } from "vitest";
import { MemoryOutput } from "../testing/test-world.ts";
import { showsProgress } from "./progress.ts";

test.each([
  { what: "a person at a terminal", isTerminal: true, json: false, quiet: false, sees: true },
  { what: "a person who wants it quiet", isTerminal: true, json: false, quiet: true, sees: false },
  { what: "a file", isTerminal: false, json: false, quiet: false, sees: false },
  { what: "a program that reads JSON", isTerminal: false, json: true, quiet: false, sees: true },
])("$what sees progress: $sees", ({ isTerminal, json, quiet, sees }) => {
  const stdout = new MemoryOutput({ isTerminal });
  expect(showsProgress({ world: { stdout }, print: { options: { json, quiet } } })).toBe(sees);
});
