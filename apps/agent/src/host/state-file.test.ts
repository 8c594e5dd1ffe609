import { readdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { readStateFile, writeStateFile } from "./state-file.ts";

const parse = (value: unknown) => (Array.isArray(value) ? value : undefined);

test("state comes back after a restart", async () => {
  await using machine = await TestMachine.create();
  expect(await readStateFile(machine.path("state.json"), parse)).toBeUndefined();
  await writeStateFile(machine.path("state.json"), [1]);
  expect(await readStateFile(machine.path("state.json"), parse)).toEqual([1]);
});

test("a file that nobody understands is set aside, not deleted", async () => {
  await using machine = await TestMachine.create();
  await writeFile(machine.path("state.json"), "{");
  expect(await readStateFile(machine.path("state.json"), parse)).toBeUndefined();
  expect(await readdir(machine.folder)).toEqual(["state.json.broken"]);
});
