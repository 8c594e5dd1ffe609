import { expect, test } from "vitest";
import { chooseLanguage, texts } from "./texts.ts";

test.each([
  [undefined, "en"],
  ["", "en"],
  ["fr", "fr"],
  ["fr-CA,fr;q=0.9,en;q=0.8", "fr"],
  ["en-GB,en;q=0.9,fr;q=0.8", "en"],
  ["de, fr;q=0.5, en;q=0.4", "fr"],
  ["en;q=0.1, fr;q=0.2", "fr"],
  ["fr;q=0", "en"],
  ["de, *", "en"],
] as const)("Accept-Language %j gets %s", (header, language) => {
  expect(chooseLanguage(header)).toBe(language);
});

test("both languages have the same texts, and none is empty", () => {
  expect(Object.keys(texts.fr)).toEqual(Object.keys(texts.en));
  expect([...Object.values(texts.fr), ...Object.values(texts.en)].every((text) => text.length > 0)).toBe(true);
});
