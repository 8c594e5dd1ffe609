import { expect, test } from "vitest";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashMachineId, machineId } from "./machine-id.ts";

test("the machine's id is a hash that does not show the system's own id, and never changes", () => {
  expect(hashMachineId("0123456789abcdef0123456789abcdef")).toMatchInlineSnapshot(
    `"381fcedc3e21a19e6069af08d42223d2699cf0a724300aee092ec1ee49f75e72"`,
  );
});

test("a machine whose system has no id gets one, which stays and is another's nowhere", async () => {
  const folders = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), "saveos-test-"))));
  const [here = "", elsewhere = ""] = folders;
  const none = () => Promise.resolve(undefined);
  const id = await machineId("linux", here, none);
  expect(await machineId("linux", here, none)).toBe(id);
  expect(await machineId("linux", elsewhere, none)).not.toBe(id);
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});
