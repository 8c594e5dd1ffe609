import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { JsonReader } from "./json-reader.ts";

const readerOf = (text: string) => new JsonReader(new TextEncoder().encode(text), "Sample");

/** The text of any JSON document, with white space or without. */
const jsonText = fc
  .tuple(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"))
  .map(([value, indent]) => JSON.stringify(value, undefined, indent));

test("any value is skipped as a whole, and its text kept as it is", () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const reader = readerOf(text);
      expect(reader.raw()).toBe(text);
      reader.end();
    }),
  );
});

test("any object gives its keys in order, but those with null", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: "binary" }), jsonText)), (members) => {
      const text = `{ ${members.map(([key, value]) => `${JSON.stringify(key)} : ${value}`).join(" ,\n")} }`;
      const found: [string, string][] = [];
      const reader = readerOf(text);
      reader.object((key) => found.push([key, reader.raw()]));
      reader.end();
      expect(found).toEqual(members.filter(([, value]) => value !== "null"));
    }),
  );
});

test("any string is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(readerOf(JSON.stringify(text)).string()).toBe(text);
    }),
  );
});

test("any integer of 64 bits is read exactly", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      expect(readerOf(String(value)).uint64()).toBe(value);
    }),
  );
});

test("a key that nobody reads is skipped with all that is in it", () => {
  const reader = readerOf('{"a":{"b":[1,{"c":null}]},"d":7,"e":[]}');
  const keys: string[] = [];
  let d = 0;
  reader.object((key) => {
    keys.push(key);
    if (key === "d") d = reader.uint32();
  });
  reader.end();
  expect(keys).toEqual(["a", "d", "e"]);
  expect(d).toBe(7);
});

test("keys that other programs find special are only keys", () => {
  const keys: string[] = [];
  readerOf('{"__proto__":{"polluted":1},"constructor":1,"1":2,"na\\u006de":3}').object((key) => keys.push(key));
  expect(keys).toEqual(["__proto__", "constructor", "1", "name"]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("a lone surrogate in an escape becomes U+FFFD, as in Go", () => {
  expect(readerOf('"a\\ud800b\\udcff"').string()).toBe("a\ufffdb\ufffd");
});

test.each<[string, (reader: JsonReader) => unknown, string]>([
  ["an object that is an array", (reader) => reader.object(() => undefined), "[]"],
  ["an array that is an object", (reader) => reader.array(() => reader.skip()), "{}"],
  ["an object that ends early", (reader) => reader.object(() => undefined), '{"a":1'],
  ["a key without a value", (reader) => reader.object(() => undefined), '{"a"}'],
  ["a comma before the end", (reader) => reader.object(() => undefined), '{"a":1,}'],
  ["a comma before the end of an array", (reader) => reader.array(() => reader.skip()), "[1,]"],
  ["a string that does not end", (reader) => reader.string(), '"abc'],
  ["a string that ends in a backslash", (reader) => reader.string(), '"abc\\'],
  ["a line feed in a string", (reader) => reader.string(), '"a\nb"'],
  ["a line feed after an escape", (reader) => reader.string(), '"\\t\n"'],
  ["an unknown escape", (reader) => reader.string(), '"\\x41"'],
  ["no base64", (reader) => reader.base64(), '"a*b"'],
  ["an integer with a sign", (reader) => reader.uint32(), "-1"],
  ["an integer with a leading zero", (reader) => reader.uint32(), "01"],
  ["an integer that is a string", (reader) => reader.uint32(), '"1"'],
  ["an integer of more than 32 bits", (reader) => reader.uint32(), "4294967296"],
  ["an integer of more than 53 bits", (reader) => reader.safeInteger(), "9007199254740992"],
  ["an integer of more than 64 bits", (reader) => reader.uint64(), "18446744073709551616"],
  ["an integer of a million digits", (reader) => reader.uint64(), "9".repeat(1_000_000)],
  ["a boolean that is a number", (reader) => reader.boolean(), "1"],
  ["a word that is no value", (reader) => reader.skip(), "nul"],
  ["nothing", (reader) => reader.skip(), ""],
  ["a closing bracket that does not fit", (reader) => reader.skip(), '{"a":1]'],
  ["a number that is none", (reader) => reader.skip(), "-"],
  ["something after the end", (reader) => (reader.skip(), reader.end()), "1 2"],
])("%s is corrupt data", (_what, read, text) => {
  expect(() => read(readerOf(text))).toThrow(EngineError);
});

test("a fraction is not taken for an integer", () => {
  const reader = readerOf('{"a":1.5}');
  expect(() => reader.object(() => reader.uint32())).toThrow(EngineError);
});

test("a million brackets are refused, not recursed into", () => {
  expect(() => readerOf("[".repeat(1_000_000)).skip()).toThrow("at most");
  expect(() => readerOf('{"a":'.repeat(1_000_000)).skip()).toThrow("at most");
});

test("bytes that are not UTF-8, and a byte order mark, are corrupt data", () => {
  expect(() => new JsonReader(Uint8Array.of(0x22, 0xff, 0x22), "Sample")).toThrow(EngineError);
  expect(() => readerOf("\ufeff1").skip()).toThrow(EngineError);
});

test("a failure says what was read, where, what was expected and what was there", () => {
  expect(() => readerOf('{"a":[1,,2]}').skip()).toThrow('Sample: expected a value at character 8, found ",2]}"');
});
