import { expect, test } from "vitest";
import { readPatternFile } from "./pattern-file.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

test("lines are trimmed; empty ones and comments are skipped", () => {
  const text = "# comment\n\n  *.tmp \r\n\t# another\n!keep.tmp\nname#1\n\u00a0padded\u0085\nlast";
  expect(readPatternFile(utf8(text), {})).toEqual(["*.tmp", "!keep.tmp", "name#1", "padded", "last"]);
});

test("variables are replaced as Go's os.Expand does", () => {
  const environment = { HOME: "/home/ada", A_1: "x" };
  const expanded = (line: string) => readPatternFile(utf8(line), environment)[0];
  expect(expanded("$HOME/.cache")).toBe("/home/ada/.cache");
  expect(expanded("${HOME}dir")).toBe("/home/adadir");
  expect(expanded("a$A_1-b")).toBe("ax-b");
  expect(expanded("a${A_1}${MISSING}$MISSING")).toBe("ax");
  expect(expanded("price$$5")).toBe("price$5");
  expect(expanded("${$}x")).toBe("$x");
  expect(expanded("cost$")).toBe("cost$");
  expect(expanded("a$/b$.c")).toBe("a$/b$.c");
  expect(expanded("a$1b")).toBe("ab");
  expect(expanded("a${}b")).toBe("ab");
  expect(expanded("a${HOME")).toBe("aHOME");
});

test("a value is not expanded again, nor taken for a comment", () => {
  expect(readPatternFile(utf8("$A"), { A: "#$A" })).toEqual(["#$A"]);
});

test("UTF-16 and UTF-8 with a byte order mark are understood", () => {
  const utf16le = Uint8Array.of(0xff, 0xfe, 0xe9, 0, 0x2a, 0, 0x0a, 0);
  const utf16be = Uint8Array.of(0xfe, 0xff, 0, 0xe9, 0, 0x2a, 0, 0x0a);
  expect(readPatternFile(utf16le, {})).toEqual(["é*"]);
  expect(readPatternFile(utf16be, {})).toEqual(["é*"]);
  expect(readPatternFile(Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8("é*")), {})).toEqual(["é*"]);
});

test("bytes that are not UTF-8 stay what they are", () => {
  expect(readPatternFile(Uint8Array.of(0xff, 0x2a), {})).toEqual(["\udcff*"]);
});
