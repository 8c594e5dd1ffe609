import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { compareNames, decodeName, displayName, encodeName, quoteName, replaceBadBytes, unquoteName } from "./names.ts";

const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes);

/** Bytes near the borders of UTF-8 more often than chance would have them. */
const nameBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: "binary", maxLength: 3 }).map((text) => new TextEncoder().encode(text)),
      fc.constantFrom(
        bytesOf(0xe2, 0x82),
        bytesOf(0xed, 0xa0, 0x80),
        bytesOf(0xef, 0xbf, 0xbd),
        bytesOf(0xef, 0xbb, 0xbf),
        bytesOf(0xf0, 0x90, 0x80, 0x80),
        bytesOf(0xf4, 0x90, 0x80, 0x80),
        bytesOf(0xc0, 0xaf),
        bytesOf(0x5c, 0x22),
      ),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

test("any bytes become a string and come back as the same bytes", () => {
  fc.assert(
    fc.property(nameBytes, (bytes) => {
      expect(encodeName(decodeName(bytes))).toEqual(bytes);
    }),
  );
});

test("quoting any name and unquoting it gives the same name", () => {
  fc.assert(
    fc.property(nameBytes, (bytes) => {
      const name = decodeName(bytes);
      const quoted = quoteName(name);
      expect(unquoteName(quoted)).toBe(name);
      expect(quoted.isWellFormed()).toBe(true);
    }),
  );
});

test("names are ordered as their bytes are", () => {
  fc.assert(
    fc.property(nameBytes, nameBytes, (a, b) => {
      expect(Math.sign(compareNames(decodeName(a), decodeName(b)))).toBe(Math.sign(Buffer.compare(a, b)));
    }),
  );
});

test("a name beyond U+FFFF sorts after U+FFFD, though UTF-16 has it before", () => {
  const names = ["\u{1f600}", "\ufffd"];
  expect(names.toSorted(compareNames)).toEqual(["\ufffd", "\u{1f600}"]);
  expect(names.toSorted()).toEqual(names);
});

test("a name that is the beginning of another comes first, and equal names are equal", () => {
  expect(compareNames("a", "ab")).toBeLessThan(0);
  expect(compareNames("ä\udcff", "ä\udcff")).toBe(0);
});

test("each byte that is not UTF-8 is a surrogate of its own, its neighbours stay readable", () => {
  expect(decodeName(bytesOf(0x61, 0xff, 0xc3, 0xa9))).toBe("a\udcffé");
  expect(decodeName(bytesOf(0xe2, 0x82))).toBe("\udce2\udc82");
  expect(decodeName(bytesOf(0xed, 0xa0, 0x80))).toBe("\udced\udca0\udc80");
});

test("a byte order mark is part of the name", () => {
  expect(decodeName(bytesOf(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
});

test("a lone surrogate of a Windows name is stored as its three bytes", () => {
  expect(encodeName("x\ud800")).toEqual(bytesOf(0x78, 0xed, 0xa0, 0x80));
  expect(quoteName("x\ud800")).toBe("x\\xed\\xa0\\x80");
});

test.each([
  ["a quotation mark", '"', '\\"'],
  ["a backslash", "\\", "\\\\"],
  ["the letters of C", "\x07\b\f\n\r\t\v", "\\a\\b\\f\\n\\r\\t\\v"],
  ["other control characters", "\x00\x1f\x7f", "\\x00\\x1f\\x7f"],
  ["a byte that is no UTF-8", "\udcff", "\\xff"],
  ["a real replacement character", "\ufffd", "\ufffd"],
  ["no-break space", "\u00a0", "\\u00a0"],
  ["ideographic space", "\u3000", "\\u3000"],
  ["soft hyphen", "\u00ad", "\\u00ad"],
  ["zero width joiner", "\u200d", "\\u200d"],
  ["byte order mark", "\ufeff", "\\ufeff"],
  ["a C1 control", "\u0085", "\\u0085"],
  ["private use", "\ue000", "\\ue000"],
  ["an unassigned character", "\u0378", "\\u0378"],
  ["line separator", "\u2028", "\\u2028"],
  ["a tag beyond U+FFFF", "\u{e0001}", "\\U000e0001"],
  ["what Go leaves alone", "'`<>&/ aé漢😀", "'`<>&/ aé漢😀"],
])("%s is quoted as Go quotes it", (_what, name, quoted) => {
  expect(quoteName(name)).toBe(quoted);
  expect(unquoteName(quoted)).toBe(name);
});

test("octal and hexadecimal escapes are bytes: UTF-8 spelt by them is the same name as the characters", () => {
  expect(unquoteName("\\303\\251")).toBe("é");
  expect(unquoteName("\\xc3\\xa9\\xe9")).toBe("é\udce9");
  expect(unquoteName("\\u00e9\\U0001F600")).toBe("é😀");
});

test.each([
  ["a bare quotation mark", 'a"b'],
  ["a line feed", "a\nb"],
  ["a backslash at the end", "a\\"],
  ["an unknown escape", "\\q"],
  ["an escaped apostrophe", "\\'"],
  ["too few digits", "\\x1"],
  ["an octal byte beyond 255", "\\777"],
  ["a surrogate", "\\ud800"],
  ["a code point beyond Unicode", "\\U00110000"],
])("unquoting refuses %s", (_what, text) => {
  expect(() => unquoteName(text)).toThrow(EngineError);
});

test("a name is shown without anything that could drive a terminal or turn the text", () => {
  expect(displayName("\x1b[31mred\n\u202egpj.exe\udcff\x9b")).toBe("\\x1b[31mred\\x0a\\u202egpj.exe\\xff\\u009b");
  expect(displayName("Ünïcödé 漢字 👩‍👧 C:\\x")).toBe("Ünïcödé 漢字 👩‍👧 C:\\x");
});

test("for other programs bad bytes become U+FFFD", () => {
  expect(replaceBadBytes("a\udcffb")).toBe("a\ufffdb");
});
