import { writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { findNewPassword, findPassword } from "./find-password.ts";
import { sourceRepository } from "./repository-role.ts";

const none = { passwordFile: undefined, passwordCommand: undefined };
let machine: TestMachine;

beforeEach(async () => {
  machine = await TestMachine.create();
  return () => machine[Symbol.asyncDispose]();
});

test("a password file's white space around the password does not count, nor a byte order mark", async () => {
  await writeFile(machine.path("password"), "\ufeff  geheim\n");
  expect(await findPassword(machine.world(), { ...none, passwordFile: machine.path("password") })).toBe("geheim");
});

test("a password command is run without a shell", async () => {
  expect(await findPassword(machine.world(), { ...none, passwordCommand: "echo '$HOME'" })).toBe("$HOME");
});

test("options win over SAVEOS_PASSWORD, which wins over restic's variables", async () => {
  machine.env = { ...machine.env, SAVEOS_PASSWORD: "ours", RESTIC_PASSWORD: "restic's" };
  expect(await findPassword(machine.world(), { ...none, passwordCommand: "echo option" })).toBe("option");
  expect(await findPassword(machine.world(), none)).toBe("ours");
});

test("restic's variables are understood", async () => {
  await writeFile(machine.path("password"), "from file");
  machine.env = { RESTIC_PASSWORD: "plain" };
  expect(await findPassword(machine.world(), none)).toBe("plain");
  machine.env = { RESTIC_PASSWORD: "plain", RESTIC_PASSWORD_FILE: machine.path("password") };
  expect(await findPassword(machine.world(), none)).toBe("from file");
  machine.env = { RESTIC_PASSWORD_COMMAND: "echo from command", PATH: process.env["PATH"] ?? "" };
  expect(await findPassword(machine.world(), none)).toBe("from command");
});

test("the repository to copy from has variables of its own, and its own question", async () => {
  machine.env = { RESTIC_PASSWORD: "main", SAVEOS_PASSWORD: "main" };
  machine.askSecret = (question) => Promise.resolve(question);
  const find = async () => await findPassword(machine.world(), none, sourceRepository);
  expect(await find()).toContain("repository to copy from");
  machine.env = { ...machine.env, RESTIC_FROM_PASSWORD: "restic's" };
  expect(await find()).toBe("restic's");
  machine.env = { ...machine.env, SAVEOS_FROM_PASSWORD: "ours" };
  expect(await find()).toBe("ours");
});

test("a person at a terminal is asked when nothing else gives a password", async () => {
  machine.askSecret = () => Promise.resolve("typed");
  expect(await findPassword(machine.world(), none)).toBe("typed");
});

test("without a terminal a missing password is an error that says how to give it", async () => {
  await expect(findPassword(machine.world(), none)).rejects.toMatchObject({
    code: "usage",
    hint: expect.stringContaining("--password-file") as string,
  });
});

test.each([
  ["file", { ...none, passwordFile: "empty" }],
  ["command", { ...none, passwordCommand: "true" }],
])("an empty password from a %s is refused", async (_, options) => {
  await writeFile(machine.path("empty"), "\n");
  const file = options.passwordFile === undefined ? undefined : machine.path(options.passwordFile);
  await expect(findPassword(machine.world(), { ...options, passwordFile: file })).rejects.toThrow(
    /empty|printed nothing/,
  );
});

test("a new password is typed twice, and must be the same", async () => {
  const typed = ["one", "two"];
  machine.askSecret = () => Promise.resolve(typed.shift() ?? "");
  await expect(findNewPassword(machine.world(), undefined)).rejects.toThrow("differ");
});
