import { chmod, stat, writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { noNames, type PinnedVault, readPinFile, writePinFile } from "./pin-file.ts";

const pin: PinnedVault = { recipient: "age1…", verifyKey: "ab", generation: 3, names: { visible: true, serial: 7 } };

let machine: TestMachine;
let file: string;

beforeEach(async () => {
  machine = await TestMachine.create();
  file = machine.path("vault.json");
  return () => machine[Symbol.asyncDispose]();
});

test("a pin comes back as it was written, for its owner only", async () => {
  expect(await readPinFile(file)).toBeUndefined();
  await writePinFile(file, pin);
  expect(await readPinFile(file)).toEqual(pin);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await writePinFile(file, { ...pin, names: noNames });
  expect((await readPinFile(file))?.names).toEqual({ visible: false, serial: 0 });
});

test.each([
  "",
  "no",
  "[]",
  "{}",
  '{"recipient":"age1","verify_key":"ab","generation":"1","names_visible":false,"names_serial":0}',
])("%j is no pin, and is not taken for none", async (text) => {
  await writeFile(file, text, { mode: 0o600 });
  await expect(readPinFile(file)).rejects.toMatchObject({ name: "AgentError", code: "bad-settings" });
});

test("a pin that others can write is not believed", async () => {
  await writePinFile(file, pin);
  await chmod(file, 0o620);
  await expect(readPinFile(file)).rejects.toThrow("sealed to somebody else");
});
