import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { readSecrets, writeSecrets } from "./secrets-file.ts";

const secrets = { credential: "saveos_agent_1_abc", repositoryPassword: "geheim", identity: "AGE-SECRET-KEY-1ABC" };
let machine: TestMachine;
let file: string;

beforeEach(async () => {
  machine = await TestMachine.create();
  file = machine.path("config", "secrets.json");
  return () => machine[Symbol.asyncDispose]();
});

test("secrets come back as they were written, in a file for the owner only", async () => {
  await writeSecrets(file, secrets);
  expect(await readSecrets(file)).toEqual(secrets);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(machine.path("config"))).mode & 0o777).toBe(0o700);
});

test.each([0o640, 0o604, 0o660, 0o644])(
  "secrets that others may read (%o) are refused, with the way to mend it",
  async (mode) => {
    await writeSecrets(file, secrets);
    await chmod(file, mode);
    await expect(readSecrets(file)).rejects.toMatchObject({
      code: "bad-settings",
      message: expect.stringContaining(mode.toString(8)) as string,
      hint: expect.stringContaining("chmod 600") as string,
    });
  },
);

test("no file means no secrets yet", async () => {
  expect(await readSecrets(file)).toEqual({
    credential: undefined,
    repositoryPassword: undefined,
    identity: undefined,
  });
});

test("a broken file is said, and not taken for an empty one", async () => {
  await writeSecrets(file, secrets);
  await writeFile(file, '{"credential": "sav');
  await expect(readSecrets(file)).rejects.toMatchObject({ code: "bad-settings" });
});

test("writing leaves nothing else behind", async () => {
  await writeSecrets(file, { ...secrets, credential: undefined });
  await writeSecrets(file, secrets);
  expect(await readdir(machine.path("config"))).toEqual(["secrets.json"]);
});
