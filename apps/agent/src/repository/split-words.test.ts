import { expect, test } from "vitest";
import { splitWords } from "./split-words.ts";

test("a command is split as a shell would, quotes and backslashes included", () => {
  expect(splitWords(`pass show "my backup" 'it''s' a\\ b "q\\"q"`)).toEqual([
    "pass",
    "show",
    "my backup",
    "its",
    "a b",
    'q"q',
  ]);
});

test("an empty word in quotes stays", () => {
  expect(splitWords("echo ''")).toEqual(["echo", ""]);
});

test("nothing else of a shell is done", () => {
  expect(splitWords("echo $HOME *.txt; rm")).toEqual(["echo", "$HOME", "*.txt;", "rm"]);
});

test("an open quote is refused", () => {
  expect(() => splitWords('echo "x')).toThrow("left open");
});
