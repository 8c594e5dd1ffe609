import { EngineError } from "@saveos/engine";
import { expect, test } from "vitest";
import { reasonWithoutNames } from "./reason-without-names.ts";

test("the reason that the server learns holds no name of a file", () => {
  const error = new EngineError("source-unreadable", "Could not read /home/ann/divorce.odt");
  expect(reasonWithoutNames(error)).toBe("Nothing of what was to be backed up could be read");
});

test("an error that nobody foresaw says nothing of itself to the server", () => {
  expect(reasonWithoutNames(new TypeError("undefined /home/ann"))).not.toContain("ann");
});
