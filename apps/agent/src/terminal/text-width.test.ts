import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fitEnd, padEnd, padStart, textWidth } from "./text-width.ts";

test("a text's width is the columns it takes, not its characters", () => {
  expect(["abc", "é", "e\u0301", "日本", "👩‍👩‍👧", "\u001b[31mred\u001b[39m"].map(textWidth)).toEqual([3, 1, 1, 4, 2, 3]);
});

test("a long path is cut at its start, so that the file's name stays", () => {
  expect(fitEnd("/home/ann/Documents/report.odt", 12)).toBe("…/report.odt");
});

test("a cut text never takes more than its columns", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 40 }), (text, columns) => {
      expect(textWidth(fitEnd(text, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});

test("padding fills up to the columns and leaves what is wider alone", () => {
  expect([padEnd("日本", 6), padStart("12", 4), padEnd("long", 2)]).toEqual(["日本  ", "  12", "long"]);
});
