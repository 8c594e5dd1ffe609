import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonArray, jsonObject, jsonString } from "./json-text.ts";

test.each([
  ["quotation mark and backslash", '"\\', '"\\"\\\\"'],
  ["the characters with short escapes", "\n\r\t\b\f", '"\\n\\r\\t\\b\\f"'],
  ["other control characters", "\x00\x1f", '"\\u0000\\u001f"'],
  ["what HTML would take for markup", "<a>&", '"\\u003ca\\u003e\\u0026"'],
  ["line and paragraph separators", "\u2028\u2029", '"\\u2028\\u2029"'],
  ["bytes that are no UTF-8, one escape each", "\udce2\udc82", '"\\ufffd\\ufffd"'],
  ["a surrogate that stands for three bytes", "\ud800", '"\\ufffd\\ufffd\\ufffd"'],
  ["everything else", "/\x7f\u0080é漢\ufffd😀", '"/\x7f\u0080é漢\ufffd😀"'],
])("a string escapes %s as Go does", (_what, text, json) => {
  expect(jsonString(text)).toBe(json);
});

test("any text is JSON that reads as the same text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(JSON.parse(jsonString(text))).toBe(text);
    }),
  );
});

test("an object has its members in order, without those that are undefined", () => {
  expect(jsonObject({ b: 1, a: undefined, c: "null", d: false, e: 2n ** 64n - 1n })).toBe(
    '{"b":1,"c":null,"d":false,"e":18446744073709551615}',
  );
  expect(jsonArray(["1", '"x"'])).toBe('[1,"x"]');
});
