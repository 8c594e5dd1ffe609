import { expect, test } from "vitest";
import { jsonText } from "./json.ts";

test("bytes of a name that are not UTF-8 become U+FFFD, as in restic's JSON", () => {
  expect(jsonText({ name: "caf\udce9" })).toBe('{"name":"caf\ufffd"}');
});

test("integers above 2^53 stay exact", () => {
  expect(jsonText({ inode: 18_446_744_073_709_551_615n })).toBe('{"inode":18446744073709551615}');
});

test("what is undefined is left out", () => {
  expect(jsonText({ parent: undefined, tree: "ab" })).toBe('{"tree":"ab"}');
});
