import { expect, test } from "vitest";
import { EngineError } from "../../errors/engine-error.ts";
import { InvariantError } from "../../errors/invariant.ts";
import { targetError } from "./target-error.ts";

function failure(code: string): Error {
  return Object.assign(new TypeError(`${code}: from the system`), { code });
}

test("a full disk is said in these words, with what to do", () => {
  expect(targetError("write to the file", ["a", "b"], failure("ENOSPC"))).toMatchObject({
    code: "target-unwritable",
    message: "Could not write to the file /a/b: the disk is full",
    hint: expect.stringContaining("Make room"),
  });
});

test("a failure without words of its own keeps the system's, and odd names can't drive a terminal", () => {
  expect(targetError("open the file", ["a\u001b[2J"], failure("EXYZ"))).toMatchObject({
    message: String.raw`Could not open the file /a\x1b[2J: EXYZ: from the system`,
  });
});

test("errors that are no system call's stay what they are", () => {
  for (const error of [new EngineError("unsupported", "x"), new InvariantError("y"), "text"])
    expect(targetError("open", [], error)).toBe(error);
});
