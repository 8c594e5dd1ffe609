import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeName } from "../../format/names.ts";
import { cString } from "./c-string.ts";

const anyName = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("a", "é", "😀", "\udcff") }),
  fc.integer({ min: 1360, max: 4200 }).map((length) => "€".repeat(length)),
  fc.integer({ min: 4000, max: 4200 }).map((length) => "x".repeat(length)),
);

test("any name is its bytes and a NUL, whatever its length", () => {
  fc.assert(
    fc.property(
      anyName.filter((name) => !name.includes("\0")),
      (name) => {
        expect(read(cString(name))).toEqual([...encodeName(name)]);
      },
    ),
  );
});

test("two names can be used at once", () => {
  const [first, second] = [cString("first"), cString("2nd")];
  expect([read(first), read(second)].map((bytes) => new TextDecoder().decode(Uint8Array.from(bytes)))).toEqual([
    "first",
    "2nd",
  ]);
});

test("a name with a NUL in it is no name", () => {
  for (const name of ["\0", "a\0b", "\udcff\0", `${"x".repeat(5000)}\0`])
    expect(() => cString(name)).toThrow(expect.objectContaining({ code: "EINVAL" }));
});

/** As C reads it. */
function read(bytes: Uint8Array): number[] {
  const end = bytes.indexOf(0);
  expect(end).not.toBe(-1);
  return [...bytes.subarray(0, end)];
}
