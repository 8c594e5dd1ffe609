import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cleanPath } from "./clean-path.ts";
import { matches, mayMatchBelow, parsePatterns } from "./pattern-list.ts";
import type { PatternOptions } from "./pattern.ts";

type Case = readonly [pattern: string, path: string, expected: boolean];

function expectMatches(cases: readonly Case[], options: PatternOptions = {}): void {
  for (const [pattern, path, expected] of cases)
    expect(matches(parsePatterns([pattern], options), path), `${pattern} on ${path}`).toBe(expected);
}

test("a pattern without a slash matches a name at any depth, and all below it", () => {
  expectMatches([
    ["foo", "foo", true],
    ["foo", "/foo", true],
    ["foo", "/x/y/foo", true],
    ["foo", "/x/foo/bar/baz", true],
    ["foo", "/x/foobar", false],
    ["foo", "/x/Foo", false],
    ["bar", "/foo/bar/baz", true],
    ["baz", "/foo/bar", false],
    ["a", "/ab/ba", false],
  ]);
});

test("a pattern that begins with a slash begins at the root", () => {
  expectMatches([
    ["/foo", "/foo", true],
    ["/foo", "/foo/bar", true],
    ["/foo", "/x/foo", false],
    ["/foo", "foo", false],
    ["/foo/bar", "/foo", false],
    ["/foo/bar", "/foo/bar", true],
    ["/foo/bar", "/foo/bar/baz/deep", true],
    ["/foo/bar", "/foo/barbaz", false],
    ["/home/*/.cache", "/home/ada/.cache/x", true],
    ["/home/*/.cache", "/home/ada/b/.cache", false],
    ["/*/bar", "/foo/bar", true],
    ["/*", "/foo", true],
  ]);
});

test("a pattern of several names matches that many neighbours, anywhere", () => {
  expectMatches([
    ["foo/bar", "/x/foo/bar", true],
    ["foo/bar", "/x/foo/bar/y", true],
    ["foo/bar", "/foo/x/bar", false],
    ["foo/bar", "/bar/foo", false],
    ["foo/*/bar", "/foo/x/bar", true],
    ["foo/*/bar", "/foo/bar", false],
    ["foo/*/bar", "/foo/x/y/bar", false],
    ["foo/*", "/foo", false],
    ["foo/*", "/x/foo/y", true],
    ["*/foo", "/foo", false],
    ["*/foo", "/x/foo", true],
    ["user/*/test*/", "/home/user/work/tests/unit", true],
    ["foo/foo/bar", "/foo/foo/foo/bar", true],
  ]);
});

test("** as a whole part stands for any number of directories, none too", () => {
  expectMatches([
    ["**", "/foo", true],
    ["**", "foo", true],
    ["**", "/", true],
    ["**/**", "/foo", true],
    ["/**", "/foo/bar", true],
    ["/**", "foo", false],
    ["foo/**", "/foo", true],
    ["foo/**", "/x/foo/bar", true],
    ["foo/**", "/x/bar", false],
    ["foo/**/bar", "/foo/bar", true],
    ["foo/**/bar", "/foo/x/bar", true],
    ["foo/**/bar", "/foo/x/y/z/bar/below", true],
    ["foo/**/bar", "/bar/x/foo", false],
    ["/foo/**/bar", "/foo/x/bar", true],
    ["/foo/**/bar", "/x/foo/bar", false],
    ["/foo/**/bar/**/baz", "/foo/1/bar/2/3/baz", true],
    ["/foo/**/bar/**/baz", "/foo/1/baz/2/3/bar", false],
    ["/foo/**/bar/**/baz", "/foo/bar/x/bar/baz", true],
    ["/foo/**/**/bar", "/foo/bar", true],
    ["**/foo", "/foo", true],
    ["**/foo", "/x/y/foo", true],
    ["/**/*.go", "/x/y/main.go", true],
    ["/a/**/b/c", "/a/b/x/b/c", true],
    ["/a/**/b/c", "/a/b/x/c", false],
  ]);
});

test("** inside a part is as one *", () => {
  expectMatches([
    ["foo**", "/foobar", true],
    ["foo**bar", "/foo/bar", false],
    ["**.go", "/x/main.go", true],
  ]);
});

test("* and ? match within one name only, and * matches nothing too", () => {
  expectMatches([
    ["*", "/foo", true],
    ["*.go", "/foo/bar.go", true],
    ["*.go", "/foo/bar.go/x", true],
    ["*.go", "/foo/.go", true],
    ["*.go", "/foo/bar.goo", false],
    ["*.c", "/foo/bar.go", false],
    ["a*b*c", "/a-b-b-c", true],
    ["a*b*c", "/abc", true],
    ["a*b*c", "/acb", false],
    ["*a*a*a*b", `/${"a".repeat(2000)}`, false],
    ["?", "/a", true],
    ["?", "/é", true],
    ["?", "/🦜", true],
    ["?", "/\udcff", true],
    ["??", "/🦜", false],
    ["foo?", "/foo", false],
    ["f?o", "/foo", true],
    ["f?o", "/f/o", false],
  ]);
});

test("a class matches one character of its ranges, or with ^ one outside", () => {
  expectMatches([
    ["[abc]x", "/bx", true],
    ["[abc]x", "/dx", false],
    ["[a-c]x", "/bx", true],
    ["[^a-c]x", "/bx", false],
    ["[^a-c]x", "/dx", true],
    ["[!a]x", "/!x", true],
    ["[a-cx-z]", "/y", true],
    ["[z-a]", "/m", false],
    ["[*]", "/*", true],
    ["[*]", "/x", false],
    ["[α-ω]", "/λ", true],
    ["[\\]]", "/]", true],
    ["[\\-x]", "/-", true],
    ["[a\\-z]", "/m", false],
    ["[^🦜]", "/é", true],
    ["[^x]", "/\udcff", true],
    ["]", "/]", true],
  ]);
});

test("a backslash takes the meaning from what follows", () => {
  expectMatches([
    ["\\*", "/*", true],
    ["\\*", "/x", false],
    ["\\?\\[\\\\", "/?[\\", true],
    ["\\a", "/a", true],
  ]);
});

test("on Windows a backslash separates", () => {
  const windows = true;
  expectMatches(
    [
      ["Temp\\*.tmp", "C:/Users/Temp/a.tmp", true],
      ["C:\\Users", "C:/Users/ada", true],
      ["C:\\Users\\*\\AppData", "C:/Users/ada/AppData/Local", true],
      ["D:\\Users", "C:/Users/ada", false],
    ],
    { windows },
  );
});

test("a pattern is cleaned before it is used", () => {
  expectMatches([
    ["/foo//bar/", "/foo/bar", true],
    ["/foo/./bar/../baz", "/foo/baz", true],
    ["foo/", "/x/foo", true],
    ["./foo", "/x/foo", true],
    ["/../foo", "/foo", true],
  ]);
});

test("/ alone matches everything", () => {
  expectMatches([
    ["/", "/", true],
    ["/", "/foo/bar", true],
    ["/*", "/", true],
    ["/foo", "/", false],
  ]);
});

test("names that are not UTF-8 match byte by byte", () => {
  expectMatches([
    ["\udcff\udce4*", "/x/\udcff\udce4 name", true],
    ["\udcff", "/\udcfe", false],
  ]);
});

describe("a list", () => {
  test("matches what any pattern matches, and nothing if it is empty", () => {
    expect(matches(parsePatterns([]), "/foo")).toBe(false);
    expect(matches(parsePatterns(["", ""]), "/foo")).toBe(false);
    expect(matches(parsePatterns(["x", "foo"]), "/foo")).toBe(true);
  });

  test("takes back with ! what an earlier pattern matched; the last word counts", () => {
    const lists: readonly (readonly [string[], string, boolean])[] = [
      [["*", "!foo"], "/foo", false],
      [["*", "!foo"], "/bar", true],
      [["!foo", "*"], "/foo", true],
      [["!foo"], "/foo", false],
      [["!foo"], "/bar", false],
      [["*", "!foo", "foo"], "/foo", true],
      [["*.txt", "!keep.txt"], "/a/keep.txt", false],
      [["/a/*", "!/a/b/**"], "/a/b/c", false],
      [["/a/**", "!/a/b"], "/a/bb", true],
    ];
    for (const [patterns, path, expected] of lists)
      expect(matches(parsePatterns(patterns), path), `${patterns.join()} on ${path}`).toBe(expected);
  });

  test("can do without capitals, one character for one", () => {
    const caseInsensitive = true;
    expectMatches(
      [
        ["*.JPG", "/a/photo.jpg", true],
        ["*.jpg", "/a/PHOTO.JPG", true],
        ["[A-C]x", "/BX", true],
        ["ÉTÉ", "/été", true],
        ["ΟΔΟΣ", "/οδοσ", true],
        ["İx", "/ix", true],
        ["?x", "/İX", true],
      ],
      { caseInsensitive },
    );
    expectMatches([["*.JPG", "/photo.jpg", false]]);
  });

  test("refuses malformed patterns and names each", () => {
    const malformed = [
      "[",
      "[a",
      "[]",
      "[]a]",
      "[^]",
      "[^",
      "[-]",
      "[x-]",
      "[-x]",
      "[a-b-c]",
      "[\\",
      "\\",
      "a[",
      "x/[/y",
      "!a[",
      "[\udcff]",
      "*[a",
    ];
    for (const pattern of malformed)
      expect(() => parsePatterns([pattern]), pattern).toThrow(expect.objectContaining({ code: "invalid-input" }));
    expect(() => parsePatterns(["good", "[", "a["])).toThrow('"[", "a["');
  });
});

test("below a directory something may match unless the pattern's beginning speaks against it", () => {
  const cases: readonly Case[] = [
    ["foo", "/x", true],
    ["foo/bar", "/x/y", true],
    ["*", "/foo", true],
    ["/foo/bar", "/", true],
    ["/foo/bar", "/foo", true],
    ["/foo/bar", "/foo/bar", true],
    ["/foo/bar", "/foo/bar/baz", true],
    ["/foo/bar", "/foo/baz", false],
    ["/foo/bar", "/x", false],
    ["/foo", "/foo/bar", true],
    ["/*/bar", "/foo", true],
    ["/*/bar", "/foo/baz", false],
    ["/foo/**/baz", "/foo/x/y", true],
    ["/foo/**/baz", "/bar", false],
    ["/**", "/x/y", true],
    ["/foo", "relative", false],
  ];
  for (const [pattern, path, expected] of cases)
    expect(mayMatchBelow(parsePatterns([pattern]), path), `${pattern} below ${path}`).toBe(expected);
});

test("nothing below what a ! takes back may match", () => {
  expect(mayMatchBelow(parsePatterns(["/a/**", "!/a/b"]), "/a/b")).toBe(false);
  expect(mayMatchBelow(parsePatterns(["/a/**", "!/a/b"]), "/a/c")).toBe(true);
  expect(mayMatchBelow(parsePatterns([]), "/a")).toBe(false);
});

const part = fc.constantFrom("a", "b", "c", "*", "?", "**", "a*", "[ab]", "[^a]");
const name = fc.constantFrom("a", "b", "c", "ab", "abc", "ca");

test("a pattern matches as its definition says: some way to spell out every ** fits some run of names", () => {
  const pattern = fc.tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 5 }));
  fc.assert(
    fc.property(pattern, fc.array(name, { minLength: 1, maxLength: 6 }), ([anchored, parts], names) => {
      const text = (anchored ? "/" : "") + parts.join("/");
      expect(matches(parsePatterns([text]), `/${names.join("/")}`)).toBe(matchesByDefinition(anchored, parts, names));
    }),
    { numRuns: 2000 },
  );
});

test("what matches may always be reached: every directory above it may have a match below", () => {
  const pattern = fc.tuple(fc.constantFrom("", "/"), fc.array(part, { minLength: 1, maxLength: 5 }));
  fc.assert(
    fc.property(pattern, fc.array(name, { minLength: 1, maxLength: 6 }), ([start, parts], names) => {
      const list = parsePatterns([start + parts.join("/")]);
      fc.pre(matches(list, `/${names.join("/")}`));
      for (let depth = 0; depth < names.length; depth += 1)
        expect(mayMatchBelow(list, `/${names.slice(0, depth).join("/")}`)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

/** Slow and plain: tries every number of names for every `**`, and every beginning. */
function matchesByDefinition(anchored: boolean, parts: readonly string[], names: readonly string[]): boolean {
  const wildcard = parts.indexOf("**");
  if (wildcard !== -1)
    return Array.from({ length: names.length + 1 }, (_, count) => count).some((count) => {
      const stars = Array.from({ length: count }, () => "*");
      return matchesByDefinition(
        anchored,
        [...parts.slice(0, wildcard), ...stars, ...parts.slice(wildcard + 1)],
        names,
      );
    });
  if (parts.length === 0) return anchored;
  const offsets = anchored ? [0] : names.map((_, offset) => offset);
  return offsets.some((offset) =>
    parts.every((glob, index) => {
      const candidate = names[offset + index];
      const expression = new RegExp(`^${glob.replaceAll("*", ".*").replaceAll("?", ".")}$`);
      return candidate !== undefined && expression.test(candidate);
    }),
  );
}

test("cleaning a path keeps its meaning and is done once", () => {
  const cases = [
    ["", "."],
    [".", "."],
    ["/", "/"],
    ["//a///b/", "/a/b"],
    ["a/../..", ".."],
    ["../../a", "../../a"],
    ["/../a", "/a"],
    ["a/..", "."],
    ["./a/./b", "a/b"],
  ] as const;
  for (const [path, cleaned] of cases) expect(cleanPath(path), path).toBe(cleaned);
  fc.assert(
    fc.property(fc.array(fc.constantFrom("/", "a", ".", "..", "//")), (parts) => {
      const cleaned = cleanPath(parts.join(""));
      expect(cleanPath(cleaned)).toBe(cleaned);
    }),
  );
});
