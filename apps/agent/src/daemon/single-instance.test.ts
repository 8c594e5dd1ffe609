import { expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { holdSingleInstance } from "./single-instance.ts";

test.each(["linux", "darwin"] as const)(
  "a second daemon of one home is refused, and a later one is not (as on %s)",
  async (platform) => {
    await using machine = await TestMachine.create();
    {
      await using _first = await holdSingleInstance(machine.folder, platform);
      await expect(holdSingleInstance(machine.folder, platform)).rejects.toThrow("runs already");
    }
    await using _later = await holdSingleInstance(machine.folder, platform);
  },
);
