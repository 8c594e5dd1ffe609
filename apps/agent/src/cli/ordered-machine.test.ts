import { chmod, mkdir, writeFile } from "node:fs/promises";
import { restoreSecrets, sealedSecrets } from "@saveos/contract";
import { makeIdentity, open, recipientOf } from "@saveos/vault";
import { beforeEach, describe, expect, test } from "vitest";
import { writeConfig } from "../host/config-file.ts";
import { writeSecrets } from "../host/secrets-file.ts";
import { UnreadableList } from "../jobs/unreadable.ts";
import { jobId } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";

let machine: TestMachine;
/** Of the machine that restores. */
let identity: string;
let recipient: string;

beforeEach(async () => {
  machine = await TestMachine.create();
  identity = await makeIdentity();
  recipient = await recipientOf(identity);
  return () => machine[Symbol.asyncDispose]();
});

async function enrol(): Promise<void> {
  await writeConfig(machine.path("home", "config.json"), {
    serverUrl: "https://127.0.0.1:1",
    certificateAuthority: "-----BEGIN CERTIFICATE-----",
    agentId: jobId(1),
    repositoryId: jobId(2),
    repositoryPath: "/restic/2/",
    repositoryReady: true,
  });
  const secrets = {
    credential: "saveos_agent_1_x",
    repositoryPassword: "of-this-machine",
    identity: await makeIdentity(),
  };
  await writeSecrets(machine.path("home", "secrets.json"), secrets);
}

describe("seal-restore", () => {
  async function opened(...args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await machine.run(["seal-restore", "--recipient", recipient, ...args]);
    expect(stderr.text).toBe("");
    expect(code).toBe(0);
    const sealed = stdout.text.trim();
    expect(sealedSecrets.safeParse(sealed).success).toBe(true);
    return restoreSecrets.parse(JSON.parse(new TextDecoder().decode(await open(identity, sealed))));
  }

  test("seals the paths and this machine's password, for the one that restores", async () => {
    await enrol();
    expect(await opened("/home/ann/notes.txt", "/srv/[1]")).toEqual({
      paths: ["/home/ann/notes.txt", "/srv/[1]"],
      repository_password: "of-this-machine",
    });
    expect(await opened()).toEqual({ repository_password: "of-this-machine" });
  });

  test("seals another repository's password, or none", async () => {
    await writeFile(machine.path("password"), "another\n");
    expect(await opened("--repository-password-file", machine.path("password"))).toEqual({
      repository_password: "another",
    });
    expect(await opened("--no-password", "/etc")).toEqual({ paths: ["/etc"] });
  });

  test("gives machines JSON", async () => {
    const { stdout } = await machine.run(["seal-restore", "--json", "--recipient", recipient, "--no-password", "/etc"]);
    expect(stdout.records).toMatchObject([{ message_type: "sealed", recipient }]);
  });

  test.each([
    ["no recipient", ["--no-password", "/etc"], "--recipient"],
    ["something else as a recipient", ["--recipient", "age1x", "--no-password", "/etc"], "age1x is no recipient"],
    ["nothing to seal", ["--recipient", "RECIPIENT", "--no-password"], "nothing to seal"],
    ["a path that no snapshot has", ["--recipient", "RECIPIENT", "--no-password", "notes.txt"], "begin with /"],
    [
      "two answers about the password",
      ["--recipient", "RECIPIENT", "--no-password", "--repository-password-file", "x"],
      "together",
    ],
    ["no password on a machine without a server", ["--recipient", "RECIPIENT", "/etc"], "not enrolled"],
  ])("with %s it says what is wrong", async (_what, args, said) => {
    const { code, stdout, stderr } = await machine.run([
      "seal-restore",
      ...args.map((word) => (word === "RECIPIENT" ? recipient : word)),
    ]);
    expect(code).toBe(1);
    expect(stdout.text).toBe("");
    expect(stderr.text).toContain(said);
  });

  test("refuses what no order can carry", async () => {
    const paths = Array.from({ length: 9_000 }, (_, at) => `/srv/a-folder-with-a-long-name/file-${at}`);
    const { code, stderr } = await machine.run(["seal-restore", "--recipient", recipient, "--no-password", ...paths]);
    expect(code).toBe(1);
    expect(stderr.text).toContain("too many paths");
  });
});

describe("hooks", () => {
  async function allow(value: unknown, mode = 0o600): Promise<void> {
    await mkdir(machine.path("home"), { recursive: true });
    await writeFile(machine.path("home", "hooks.json"), JSON.stringify(value));
    await chmod(machine.path("home", "hooks.json"), mode);
  }

  test("lists the commands that orders may run", async () => {
    await allow({ "stop-db": { command: ["/usr/bin/systemctl", "stop", "my db"] } });
    expect((await machine.run(["hooks"])).stdout.text).toContain('stop-db  /usr/bin/systemctl stop "my db"');
    expect((await machine.run(["hooks", "--json"])).stdout.records).toEqual([
      { message_type: "hook", name: "stop-db", command: ["/usr/bin/systemctl", "stop", "my db"] },
    ]);
  });

  test("says that there are none", async () => {
    const { code, stdout } = await machine.run(["hooks"]);
    expect(code).toBe(0);
    expect(stdout.text).toContain("Orders may run no commands on this machine");
  });

  test("fails on a file that orders would be refused for, with the way to mend it", async () => {
    await allow({}, 0o666);
    const { code, stderr } = await machine.run(["hooks"]);
    expect(code).toBe(1);
    expect(stderr.text).toContain("chmod go-w");
  });
});

describe("unreadable", () => {
  async function note(name: number, ...paths: string[]): Promise<void> {
    await using list = await UnreadableList.open(machine.path("home", "state"), jobId(name), () => undefined);
    for (const path of paths)
      list.note({ path, message: "x", cause: Object.assign(new Error(), { systemCode: "EACCES" }) }, path);
  }

  test("names what a job could not read", async () => {
    await note(1, "/home/ann/diary", "/root");
    const { stdout } = await machine.run(["unreadable", jobId(1)]);
    expect(stdout.text).toContain(`Job ${jobId(1)} could not read 2 files and folders`);
    expect(stdout.text).toContain("EACCES  /home/ann/diary\nEACCES  /root\n");
    expect((await machine.run(["unreadable", "--json"])).stdout.records[0]).toMatchObject({
      message_type: "unreadable",
      job_id: jobId(1),
      code: "EACCES",
      path: "/home/ann/diary",
    });
  });

  test("says that everything could be read", async () => {
    const { code, stdout } = await machine.run(["unreadable"]);
    expect(code).toBe(0);
    expect(stdout.text).toContain("could read everything");
  });

  test("says that it has no list of a job", async () => {
    const { code, stderr } = await machine.run(["unreadable", "ffff"]);
    expect(code).toBe(1);
    expect(stderr.text).toContain("No list is kept of a job ffff");
  });
});

describe("status", () => {
  test("shows to whom what this machine is to open is sealed", async () => {
    await enrol();
    expect((await machine.run(["status"])).stdout.text).toMatch(/Recipient +age1[02-9ac-hj-np-z]{58}\n/);
  });

  test("says what is missing of the secrets", async () => {
    await enrol();
    await writeSecrets(machine.path("home", "secrets.json"), {
      credential: "x",
      repositoryPassword: "y",
      identity: undefined,
    });
    const { code, stderr } = await machine.run(["status"]);
    expect(code).toBe(1);
    expect(stderr.text).toContain("lacks the identity");
    expect(stderr.text).toContain("enrol this machine anew");
  });
});
