import { expect, test } from "vitest";
import { MemoryOutput } from "../testing/test-world.ts";
import { LiveLines } from "./live-lines.ts";

test("lines are drawn over those before, and the cursor comes back", () => {
  const output = new MemoryOutput({ isTerminal: true });
  const live = new LiveLines(output);
  live.draw(["10 %", "a.txt"]);
  live.draw(["20 %", "b.txt"]);
  live.clear();
  expect(output.text).toBe(
    "\u001b[?25l10 %\na.txt\u001b[?25l\u001b[1A\r\u001b[0J20 %\nb.txt\u001b[1A\r\u001b[0J\u001b[?25h",
  );
});

test("nothing is drawn where there is no terminal", () => {
  const output = new MemoryOutput();
  const live = new LiveLines(output);
  live.draw(["10 %"]);
  live.clear();
  expect(output.text).toBe("");
});
