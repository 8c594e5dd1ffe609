import { beforeEach, expect, test } from "vitest";
import { readSecrets, writeSecrets } from "../host/secrets-file.ts";
import { TestMachine } from "../testing/test-world.ts";
import { MachineSecrets } from "./machine-secrets.ts";

const whole = { credential: "saveos_agent_1_old", repositoryPassword: "geheim", identity: "AGE-SECRET-KEY-1ABC" };

let machine: TestMachine;
let file: string;

beforeEach(async () => {
  machine = await TestMachine.create();
  file = machine.path("secrets.json");
  await writeSecrets(file, whole);
  return () => machine[Symbol.asyncDispose]();
});

test("a new credential is on disk before it is used, and the other secrets stay", async () => {
  const secrets = new MachineSecrets(file, whole);
  const replacing = secrets.replaceCredential("saveos_agent_1_new");
  expect(secrets.credential).toBe("saveos_agent_1_old");
  await replacing;
  expect(secrets.credential).toBe("saveos_agent_1_new");
  expect(await readSecrets(file)).toEqual({ ...whole, credential: "saveos_agent_1_new" });
});

test("a password that was changed meanwhile is not changed back", async () => {
  const secrets = new MachineSecrets(file, whole);
  await writeSecrets(file, { ...whole, repositoryPassword: "changed" });
  await secrets.replaceCredential("saveos_agent_1_new");
  expect((await readSecrets(file)).repositoryPassword).toBe("changed");
});

test("where the new one can't be kept, the old one stays in use", async () => {
  const secrets = new MachineSecrets(machine.folder, whole);
  await expect(secrets.replaceCredential("saveos_agent_1_new")).rejects.toThrow();
  expect(secrets.credential).toBe("saveos_agent_1_old");
});

test("a credential that the daemon replaced is found by the other processes of the machine", async () => {
  const daemon = new MachineSecrets(file, whole);
  const command = new MachineSecrets(file, whole);
  await daemon.replaceCredential("saveos_agent_1_new");
  expect(command.credential).toBe("saveos_agent_1_old");
  expect(await command.rereadCredential()).toBe("saveos_agent_1_new");
  expect(command.credential).toBe("saveos_agent_1_new");
});
