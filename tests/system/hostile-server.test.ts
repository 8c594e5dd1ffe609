import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { manifestOf } from "../support/manifest.ts";
import { noise, prose } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent } from "../support/saveos-agent.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/**
 * Whoever owns the server can serve what they like. They are played by changing what is stored under the server's hands: it then serves just that. Whatever they do, a
 * machine says clearly what is wrong, restores nothing that it did not back up, and harms nothing that is still there.
 */
describe("a hostile server", () => {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;
  let ours: Machine;
  let theirs: Machine;
  const sound = () => join(temp.path, "sound");
  const older = () => join(temp.path, "older");

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer();
    administrator = administratorOf(saveos);
    ours = await newMachine("ours", 1);
    theirs = await newMachine("theirs", 2);
    await backUpByOrder(ours);
    await cp(ours.stored, older(), { recursive: true });
    await writeFile(join(ours.files, "new.txt"), prose(50_000, 7));
    await backUpByOrder(ours);
    await cp(ours.stored, sound(), { recursive: true });
  });
  afterEach(async () => await serve(sound()));
  afterAll(async () => {
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  test.each(["data", "index", "snapshots", "keys"] as const)(
    "that serves another machine's objects of the kind %s under our names is found out, and nothing of them is taken",
    async (kind) => {
      const strange = await objectsOf(theirs.stored, kind);
      for (const [at, file] of (await objectsOf(ours.stored, kind)).entries())
        await cp(strange[at % strange.length] ?? "", file);
      const { code, stderr } = await ours.agent.attempt("check", "--read-data", "--no-cache");
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/damaged|can't be opened|no key|does not match|hash/i);
      expect(stderr).not.toMatch(/ at .*\.ts:\d+/);
      await restoresNothingStrange();
    },
  );

  test("that serves another machine's whole repository instead is told that the password does not open it, and it is not written to", async () => {
    await serve(theirs.stored);
    const before = await objectsOf(ours.stored, "");
    const { code, stderr } = await ours.agent.attempt("backup", ours.files);
    expect(code).toBe(12);
    expect(stderr).toContain("No key of the repository");
    expect(await objectsOf(ours.stored, "")).toEqual(before);
  });

  test("that serves our objects under the names of others of ours is found out", async () => {
    const [one = "", two = ""] = await objectsOf(ours.stored, "snapshots");
    await cp(one, two);
    const listed = await ours.agent.attempt("snapshots", "--no-cache");
    expect(listed.stderr).toContain(basename(two).slice(0, 8));
    expect(listed.stdout).not.toContain(basename(two).slice(0, 8));
    expect((await ours.agent.attempt("check", "--no-cache")).code).not.toBe(0);
  });

  test("that serves the state before the last backup is noticed by the machine, which backs up all the same", async () => {
    await serve(older());
    const job = await backUpByOrder(ours);
    expect(job.state).toBe("completed");
    expect(await ours.agent("status")).toContain("Gone: the one that this machine made");
    expect((await ours.agent.json("snapshots"))[0]).toHaveLength(3);
    await ours.agent("check", "--read-data", "--no-cache");
  });

  test("that hides all snapshots and indexes makes the machine send everything again, and what is there is kept", async () => {
    const packs = await objectsOf(ours.stored, "data");
    for (const kind of ["snapshots", "index"]) for (const file of await objectsOf(ours.stored, kind)) await rm(file);
    await ours.agent("backup", ours.files, "--no-cache");
    await ours.agent("check", "--read-data", "--no-cache");
    expect(await objectsOf(ours.stored, "data")).toEqual(expect.arrayContaining(packs));
    for (const kind of ["snapshots", "index"])
      await cp(join(sound(), kind), join(ours.stored, kind), { recursive: true });
    await ours.agent("check", "--read-data", "--no-cache");
    expect((await ours.agent.json("snapshots"))[0]).toHaveLength(4);
  });

  interface Machine {
    readonly agent: SaveosAgent;
    readonly agentId: string;
    readonly files: string;
    /** Where the server keeps the machine's repository. */
    readonly stored: string;
  }

  async function newMachine(name: string, seed: number): Promise<Machine> {
    const files = join(temp.path, name);
    await mkdir(files);
    await writeFile(join(files, "notes.txt"), prose(100_000, seed));
    await writeFile(join(files, "photo.jpg"), noise(300_000, seed));
    const agent = agentAt(join(temp.path, `${name}-home`));
    const { agentId, enrolment } = await administrator.provision();
    await register(agent, enrolment);
    await agent("backup", files);
    const { repository_id: repositoryId } = await administrator.agent(agentId);
    return { agent, agentId, files, stored: join(saveos.server.dataFolder, "objects", repositoryId ?? "") };
  }

  async function backUpByOrder({ agent, agentId, files }: Machine) {
    await using _daemon = agent.start("daemon");
    return await administrator.untilJob(await administrator.orderBackup({ agent_id: agentId, paths: [files] }));
  }

  /** The server serves this folder as our repository. */
  async function serve(folder: string): Promise<void> {
    await rm(ours.stored, { recursive: true });
    await cp(folder, ours.stored, { recursive: true });
  }

  /** What is restored is what was backed up, or it isn't there. */
  async function restoresNothingStrange(): Promise<void> {
    const target = join(temp.path, "target");
    await ours.agent.attempt("restore", "latest", "--target", target, "--no-cache");
    const source = await manifestOf(ours.files);
    const restored = await manifestOf(join(target, ours.files)).catch(() => ({}));
    for (const [path, { sha256 }] of Object.entries(restored))
      if (sha256 !== undefined) expect(sha256, path).toBe(source[path]?.sha256);
    await rm(target, { recursive: true, force: true });
  }
});

/** The files of the objects of a kind, or of all, in order. */
async function objectsOf(repository: string, kind: string): Promise<string[]> {
  const entries = await readdir(join(repository, kind), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
}
