import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { isAllowed, readRestoreFolders } from "./restore-folders-file.ts";

async function allowing(machine: TestMachine, text: string): Promise<string> {
  const file = machine.path("restore-folders.json");
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

test("without a file no folder is allowed", async () => {
  await using machine = await TestMachine.create();
  expect(await readRestoreFolders(machine.path("none.json"))).toEqual([]);
});

test("a folder allows itself and what is in it, and not what only begins with its name", async () => {
  await using machine = await TestMachine.create();
  const folder = machine.path("restored");
  const folders = await readRestoreFolders(await allowing(machine, JSON.stringify({ folders: [folder] })));
  expect(await isAllowed(folder, folders)).toBe(true);
  expect(await isAllowed(machine.path("restored/a/b"), folders)).toBe(true);
  expect(await isAllowed(machine.path("restored..a"), folders)).toBe(false);
  expect(await isAllowed(machine.path("restored/../elsewhere"), folders)).toBe(false);
  expect(await isAllowed("/", folders)).toBe(false);
});

test("a link in the folder that leads out of it allows nothing", async () => {
  await using machine = await TestMachine.create();
  const folder = machine.path("restored");
  await mkdir(folder);
  await symlink("/etc", machine.path("restored/link"));
  expect(await isAllowed(machine.path("restored/link/cron.d"), [folder])).toBe(false);
});

test.each(['{"folders": "relative"}', '{"folders": ["relative"]}', '{"folders": ["/a"], "more": 1}', "{}"])(
  "%s is refused",
  async (text) => {
    await using machine = await TestMachine.create();
    await expect(readRestoreFolders(await allowing(machine, text))).rejects.toMatchObject({ code: "bad-settings" });
  },
);

test("a file that others may write is refused", async () => {
  await using machine = await TestMachine.create();
  const file = await allowing(machine, '{"folders": ["/srv"]}');
  await chmod(file, 0o666);
  await expect(readRestoreFolders(file)).rejects.toMatchObject({ code: "bad-settings" });
});
