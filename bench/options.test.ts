import { describe, expect, test } from "vitest";
import { BenchError } from "./bench-error.ts";
import { helpText, parseOptions } from "./options.ts";
import { defaultScenes, furtherScenes } from "./scenes/scenes.ts";
import { works } from "./results/results.ts";

describe("options of the bench", () => {
  test("by itself it does everything that counts, three times, and keeps nothing", () => {
    expect(parseOptions([], {})).toEqual({
      help: false,
      quick: false,
      rounds: 3,
      scenes: defaultScenes,
      works: undefined,
      folder: undefined,
      keep: false,
      jsonFile: undefined,
      writePage: false,
      requirePeers: false,
    });
  });

  test("a quick run has one round, unless told", () => {
    expect(parseOptions(["--quick"], {}).rounds).toBe(1);
    expect(parseOptions(["--quick", "--rounds", "5"], {}).rounds).toBe(5);
  });

  test("names are put into their own order, and those that don't exist are refused with those that do", () => {
    expect(parseOptions(["--corpus", "tiny, source", "--only", "check,restore"], {})).toMatchObject({
      scenes: ["source", "tiny"],
      works: ["restore", "check"],
    });
    expect(() => parseOptions(["--corpus", "huge"], {})).toThrow(/source, big, tiny, server/);
  });

  test("the folder is the one given, else BENCH_FOLDER's", () => {
    expect(parseOptions(["--folder", "/a"], { BENCH_FOLDER: "/b" }).folder).toBe("/a");
    expect(parseOptions([], { BENCH_FOLDER: "/b" }).folder).toBe("/b");
    expect(parseOptions([], { BENCH_FOLDER: "" }).folder).toBeUndefined();
  });

  test.each([["--rounds", "0"], ["--rounds", "3.5"], ["--unknown"], ["--only", ""], ["stray"]])(
    "what makes no sense is refused: %s %s",
    (...args) => {
      expect(() => parseOptions(args, {})).toThrow(BenchError);
    },
  );

  test("results of small data never get onto the page", () => {
    expect(() => parseOptions(["--quick", "--write"], {})).toThrow(BenchError);
  });

  test("the help names every corpus and every work", () => {
    for (const name of [...defaultScenes, ...furtherScenes, ...works]) expect(helpText).toContain(name);
  });
});
