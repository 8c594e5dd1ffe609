import { expect, test } from "vitest";
import { placeOf } from "./place.ts";

test("a machine's place is always the same, or an update of the server would move all backups", () => {
  expect(placeOf("plan/agent")).toBe(0.9937796136946382);
});

test("the machines of a plan have different places, and a machine has different ones in different plans", () => {
  const places = ["plan/agent", "plan/other agent", "other plan/agent"].map(placeOf);
  expect(new Set(places).size).toBe(3);
});
