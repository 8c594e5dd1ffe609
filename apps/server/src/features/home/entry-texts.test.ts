import { expect, test } from "vitest";
import { entryWords } from "./entry-texts.ts";
import { texts } from "./texts.ts";

const pages = [
  ["setup", false],
  ["setup", true],
  ["invitation", false],
] as const;

test.each(pages)("the page %s (taken: %s) has the same words in both languages, and none is empty", (page, isTaken) => {
  const [en, fr] = [entryWords("en", page, isTaken), entryWords("fr", page, isTaken)];
  expect(Object.keys(fr)).toEqual(Object.keys(en));
  expect(Object.values({ ...en, ...fr }).every((text) => text.length > 0)).toBe(true);
  expect(Object.keys(JSON.parse(fr["words"] ?? ""))).toEqual(Object.keys(JSON.parse(en["words"] ?? "")));
});

test("French has a space that doesn't break before its double signs", () => {
  const all = [...pages.map(([page, isTaken]) => entryWords("fr", page, isTaken)), texts.fr];
  for (const text of all.flatMap((words) => Object.values(words))) expect(text).not.toMatch(/ [:;!?»](?!\w)/);
});

test("the words of the script can't end the element that they stand in", () => {
  for (const [page, isTaken] of pages) expect(entryWords("en", page, isTaken)["words"]).not.toContain("<");
});
