import { writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { readConfig, repositoryUrl, writeConfig } from "./config-file.ts";

const config = {
  serverUrl: "https://backup.example:8000",
  certificateAuthority: "-----BEGIN CERTIFICATE-----\n…",
  agentId: "0b3c8f0e-0000-4000-8000-000000000001",
  repositoryId: "0b3c8f0e-0000-4000-8000-000000000002",
  repositoryPath: "/restic/0b3c8f0e-0000-4000-8000-000000000002/",
  repositoryReady: false,
};
let machine: TestMachine;

beforeEach(async () => {
  machine = await TestMachine.create();
  return () => machine[Symbol.asyncDispose]();
});

test("a configuration comes back as it was written", async () => {
  await writeConfig(machine.path("config.json"), config);
  expect(await readConfig(machine.path("config.json"))).toEqual(config);
  await writeConfig(machine.path("config.json"), { ...config, repositoryReady: true });
  expect(await readConfig(machine.path("config.json"))).toEqual({ ...config, repositoryReady: true });
});

test("no file means not enrolled", async () => {
  expect(await readConfig(machine.path("config.json"))).toBeUndefined();
});

test.each(["", "[]", "{}", '{"server_url": 5}'])(
  "%j is no configuration, and says which file is broken",
  async (text) => {
    await writeFile(machine.path("config.json"), text);
    await expect(readConfig(machine.path("config.json"))).rejects.toThrow(machine.path("config.json"));
  },
);

test("the repository's address is below the server's", () => {
  expect(repositoryUrl(config)).toBe("https://backup.example:8000/restic/0b3c8f0e-0000-4000-8000-000000000002/");
});
