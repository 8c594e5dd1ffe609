import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lockRepository } from "@saveos/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lock, open, password } from "../support/engine.ts";
import { noise, prose } from "../support/sample-tree.ts";
import { agentAt, type SaveosAgent } from "../support/saveos-agent.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/** The program alone, as scripts made for restic call it. */
describe("saveos-agent alone, called as scripts call restic,", () => {
  let temp: TempFolder;
  let agent: SaveosAgent;
  let repository: string;
  let source: string;

  beforeAll(async () => {
    temp = await tempFolder();
    repository = join(temp.path, "repository");
    source = join(temp.path, "source");
    await mkdir(source);
    await writeFile(join(source, "text"), prose(100_000, 1));
    agent = agentAt(join(temp.path, "home"), { env: { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: password } });
    await agent("init");
    await agent("backup", source);
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test("ends with 0 when all went well", async () => {
    for (const command of [
      ["snapshots"],
      ["check"],
      ["ls", "latest"],
      ["stats"],
      ["unlock"],
      ["key", "list"],
      ["version"],
      ["--help"],
    ])
      expect((await agent.attempt(...command)).code, command.join(" ")).toBe(0);
  });

  test("ends with 1 for a command line that makes no sense, and for what can't be done", async () => {
    for (const command of [
      ["backup"],
      ["backup", "--no-such-option", source],
      ["nonsense"],
      ["restore", "latest"],
      ["ls", "0000"],
      ["forget"],
      ["forget", "--keep-tag", "nobody-has-this"],
      ["forget", "--keep-last", "-1"],
      ["forget", "--keep-within", "a while"],
      ["forget", "--no-lock", "--keep-last", "1"],
      ["forget", "--unsafe-allow-remove-all"],
      ["tag"],
      ["tag", "--set", "a", "--add", "b"],
      ["diff", "latest"],
      ["diff", "latest", "0000"],
      ["init"],
    ]) {
      const { code, stderr } = await agent.attempt(...command);
      expect(code, command.join(" ")).toBe(1);
      expect(stderr.trim()).not.toBe("");
    }
  });

  test("ends with 1 when nothing that was named is there, and no snapshot is made", async () => {
    const before = (await agent.json("snapshots")).flat().length;
    const { code, stderr } = await agent.attempt("backup", join(temp.path, "missing"));
    expect(code).toBe(1);
    expect(stderr).toContain("missing");
    expect((await agent.json("snapshots")).flat()).toHaveLength(before);
  });

  test("ends with 3 when a part could not be read: the rest is saved, and it is said what is missing", async () => {
    const before = (await agent.json("snapshots")).flat().length;
    for (const unreadable of [`/proc/${process.pid}/mem`, join(temp.path, "missing")]) {
      const { code, stderr } = await agent.attempt("backup", source, unreadable);
      expect(code).toBe(3);
      expect(stderr).toContain(unreadable);
    }
    expect((await agent.json("snapshots")).flat()).toHaveLength(before + 2);
  });

  test("ends with 10 when there is no repository", async () => {
    const { code, stderr } = await agent.attempt("-r", join(temp.path, "nothing"), "snapshots");
    expect(code).toBe(10);
    expect(stderr).toContain(join(temp.path, "nothing"));
  });

  test("ends with 11 when the repository is locked by another, whom it names", async () => {
    await using _held = await lockRepository(await open(repository), { ...lock, exclusive: true });
    const { code, stderr } = await agent.attempt("backup", source);
    expect(code).toBe(11);
    expect(stderr).toContain(String(process.pid));
  });

  test("ends with 12 when the password is wrong", async () => {
    const stranger = agent.with({ env: { RESTIC_PASSWORD: "wrong" } });
    expect((await stranger.attempt("snapshots")).code).toBe(12);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "ends with 130 when it is stopped by %s, and no lock stays behind",
    async (signal) => {
      const folder = join(temp.path, `large-${signal}`);
      await mkdir(folder);
      for (let i = 0; i < 20; i++) await writeFile(join(folder, String(i)), noise(2_000_000, i));
      const before = await packs();
      await using running = agent.start("--pack-size", "4", "--limit-upload", "8192", "backup", folder);
      await expect.poll(async () => await packs(), { interval: 20, timeout: 60_000 }).toBeGreaterThan(before);
      const { code, stderr } = await running.stop(signal);
      expect(code).toBe(130);
      expect(stderr.trim()).not.toBe("");
      expect(await readdir(join(repository, "locks"))).toEqual([]);
      await rm(folder, { recursive: true });
      await agent("check", "--read-data");
    },
  );

  test("takes the repository and its password from options, files, commands and variables, restic's and our own", async () => {
    const passwordFile = join(temp.path, "password");
    const repositoryFile = join(temp.path, "location");
    await writeFile(passwordFile, `${password}\n`);
    await writeFile(repositoryFile, `${repository}\n`);
    const bare = agentAt(join(temp.path, "bare"));
    const ways: [Record<string, string>, string[]][] = [
      [{ RESTIC_REPOSITORY: repository, RESTIC_PASSWORD_FILE: passwordFile }, []],
      [{ RESTIC_REPOSITORY_FILE: repositoryFile, RESTIC_PASSWORD_COMMAND: `cat ${passwordFile}` }, []],
      [{ SAVEOS_REPOSITORY: repository, SAVEOS_PASSWORD: password }, []],
      [{ SAVEOS_PASSWORD: password, RESTIC_PASSWORD: "wrong" }, ["-r", repository]],
      [{}, ["--repo", repository, "--password-file", passwordFile]],
      [{}, ["--repository-file", repositoryFile, "--password-command", `cat '${passwordFile}'`]],
    ];
    for (const [env, options] of ways)
      expect((await bare.with({ env }).attempt(...options, "snapshots")).code, JSON.stringify([env, options])).toBe(0);
    expect((await bare.attempt("-r", repository, "snapshots")).code).toBe(1);
    expect((await bare.with({ env: { RESTIC_PASSWORD: password } }).attempt("snapshots")).code).toBe(1);
  });

  test("prints no name of a file so that it could write to the terminal", async () => {
    const folder = join(temp.path, "hostile");
    await mkdir(folder);
    await writeFile(join(folder, "red\u001b[31m\nSaved snapshot 00000000"), "x");
    const target = join(temp.path, "hostile-back");
    for (const command of [
      ["-vv", "backup", folder],
      ["ls", "latest"],
      ["ls", "-l", "latest"],
      ["find", "red*"],
      ["-vv", "restore", "latest", "--target", target],
    ]) {
      const { code, stdout, stderr } = await agent.attempt(...command);
      expect(code, command.join(" ")).toBe(0);
      expect(stdout).toContain("red");
      expect(stdout + stderr).not.toContain("\u001b");
      expect(stdout + stderr).not.toMatch(/^Saved snapshot 0{8}/m);
    }
  });

  async function packs(): Promise<number> {
    const all = await readdir(join(repository, "data"), { recursive: true });
    return all.filter((name) => name.length > 60).length;
  }
});
