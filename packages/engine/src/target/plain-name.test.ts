import { expect, test } from "vitest";
import { trapNames } from "../platform/testing/file-target-suite.ts";
import { plainNameProblem, windowsNameProblem } from "./plain-name.ts";

test.each(trapNames)("%j is a plain name nowhere", (name) => {
  expect(plainNameProblem(name)).toBeDefined();
  expect(windowsNameProblem(name)).toBeDefined();
});

test.each(["...", "..a", "a..", "-", "~", "a\\b", "C:", "con", "a\n", "\udcff", "a ", "日本語"])(
  "%j is a plain name on Linux",
  (name) => {
    expect(plainNameProblem(name)).toBeUndefined();
  },
);

test.each([
  "a\\b",
  "..\\x",
  "\\\\server\\share",
  "C:",
  "c:x",
  "file:stream",
  "a.",
  "a ",
  "... ",
  "con",
  "CON",
  "con.txt",
  "NUL .tar.gz",
  "aux",
  "com1",
  "LPT9.log",
  "com²",
  "conin$",
  'a"b',
  "a*",
  "a?",
  "a<b",
  "a|b",
  "tab\t",
  "\u0001",
])("%j is refused on Windows", (name) => {
  expect(windowsNameProblem(name)).toBeDefined();
});

test.each(["a", ".a", "a.b.c", "console", "com", "com10", "nulls.txt", "C", "日本語", "a b", ".gitignore"])(
  "%j is a plain name on Windows",
  (name) => {
    expect(windowsNameProblem(name)).toBeUndefined();
  },
);
