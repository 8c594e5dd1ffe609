import { expect, test } from "vitest";
import { hashMachineId } from "./machine-id.ts";

test("the machine's id is a hash that does not show the system's own id, and never changes", () => {
  expect(hashMachineId("0123456789abcdef0123456789abcdef")).toMatchInlineSnapshot(
    `"381fcedc3e21a19e6069af08d42223d2699cf0a724300aee092ec1ee49f75e72"`,
  );
});
