import { expect, test } from "vitest";
import { MemoryOutput } from "../testing/test-world.ts";
import { styleFor } from "./style.ts";

const terminal = new MemoryOutput({ isTerminal: true });

test("a terminal sees colours", () => {
  expect(styleFor(terminal, {}).bad("no")).toBe("\u001b[31mno\u001b[39m");
});

test.each([
  ["NO_COLOR is set", terminal, { NO_COLOR: "1" }],
  ["the terminal is dumb", terminal, { TERM: "dumb" }],
  ["the output is no terminal", new MemoryOutput(), {}],
])("there are no colours when %s", (_, output, env) => {
  expect(styleFor(output, env).bad("no")).toBe("no");
});
