import { chmod, writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { readHooks } from "./hooks-file.ts";

let machine: TestMachine;
let file: string;

beforeEach(async () => {
  machine = await TestMachine.create();
  file = machine.path("hooks.json");
  return () => machine[Symbol.asyncDispose]();
});

async function write(value: unknown, mode = 0o600): Promise<void> {
  await writeFile(file, JSON.stringify(value));
  await chmod(file, mode);
}

test("a command is its program and its arguments, word by word", async () => {
  await write({ "stop-db": { command: ["/usr/bin/systemctl", "stop", "my db; rm -rf /"] }, other: { command: ["x"] } });
  expect(Object.fromEntries(await readHooks(file))).toEqual({
    "stop-db": ["/usr/bin/systemctl", "stop", "my db; rm -rf /"],
    other: ["x"],
  });
});

test("no file means that nothing is allowed", async () => {
  expect((await readHooks(file)).size).toBe(0);
});

test.each([0o660, 0o602, 0o666, 0o620])("a file that others can write (%o) is refused", async (mode) => {
  await write({ ok: { command: ["x"] } }, mode);
  await expect(readHooks(file)).rejects.toMatchObject({
    code: "bad-settings",
    message: expect.stringContaining(mode.toString(8)) as string,
    hint: expect.stringContaining("chmod go-w") as string,
  });
});

test.each([0o644, 0o400, 0o755])(
  "a file that others can only read (%o) is fine: nothing in it is secret",
  async (mode) => {
    await write({ ok: { command: ["x"] } }, mode);
    expect((await readHooks(file)).size).toBe(1);
  },
);

test.skipIf(process.getuid?.() !== 0)("a file of another user is refused, even if root reads it", async () => {
  await write({ ok: { command: ["x"] } });
  const { chown } = await import("node:fs/promises");
  await chown(file, 12_345, 0);
  await expect(readHooks(file)).rejects.toMatchObject({
    code: "bad-settings",
    message: expect.stringContaining("12345") as string,
  });
});

test.each([
  ["a shell line", { "stop-db": { command: "systemctl stop db" } }],
  ["an empty command", { "stop-db": { command: [] } }],
  ["a program without a name", { "stop-db": { command: [""] } }],
  ["an argument that is no text", { "stop-db": { command: ["x", 1] } }],
  ["no command", { "stop-db": {} }],
  ["only the command", { "stop-db": ["x"] }],
  ["a field that means nothing", { "stop-db": { command: ["x"], run_as: "root" } }],
  ["a name that no order can have", { "Stop DB": { command: ["x"] } }],
  ["no object", []],
])("%s is refused, with the right way to write it", async (_what, value) => {
  await write(value);
  await expect(readHooks(file)).rejects.toMatchObject({ code: "bad-settings" });
});

test("what is no JSON is refused", async () => {
  await writeFile(file, "{");
  await expect(readHooks(file)).rejects.toMatchObject({ code: "bad-settings" });
});
