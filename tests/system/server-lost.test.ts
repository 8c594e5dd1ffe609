import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { noise } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent } from "../support/saveos-agent.ts";
import { type ServerProcess, serverProcess } from "../support/server-process.ts";
import type { RunningProgram } from "../support/start-program.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/** The server's process is killed, as a power cut does it, with its PostgreSQL left behind. */
describe("a backup whose server is lost in the middle", () => {
  let temp: TempFolder;
  let server: ServerProcess;
  let running: RunningProgram;
  let administrator: Administrator;
  let agent: SaveosAgent;
  let source: string;
  let agentId: string;

  beforeAll(async () => {
    temp = await tempFolder();
    server = await serverProcess(join(temp.path, "data"));
    running = await server.start();
    administrator = administratorOf({ server, apiKey: await server.createApiKey() });
    agent = agentAt(join(temp.path, "machine"));
    const provisioned = await administrator.provision();
    agentId = provisioned.agentId;
    await register(agent, provisioned.enrolment);
    source = join(temp.path, "source");
    await mkdir(source);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  test("tries again, and goes on where it was when the server is back", async () => {
    await using backup = await backupInTheMiddle(1);
    await running.stop("SIGKILL");
    await backup.until("trying again in");
    running = await server.start();
    expect(await backup.ended).toMatchObject({ code: 0 });
    await agent("check", "--read-data");
    expect(await administrator.snapshots(agentId)).toHaveLength(1);
  });

  test("can be stopped while it waits, and harms nothing: the next one succeeds", async () => {
    await using backup = await backupInTheMiddle(2);
    await running.stop("SIGKILL");
    await backup.until("trying again in");
    expect((await backup.stop("SIGINT")).code).toBe(130);
    running = await server.start();
    expect((await agent.json("backup", source)).at(-1)).toMatchObject({
      files_new: fileCount,
      files_unmodified: fileCount,
    });
    // Its lock could not be removed.
    await agent("unlock");
    await agent("check", "--read-data");
    expect(await administrator.snapshots(agentId)).toHaveLength(2);
  });

  test("or is only stopped by a person, leaves no lock, and the next one sends the rest alone", async () => {
    await using backup = await backupInTheMiddle(3);
    expect((await backup.stop("SIGINT")).code).toBe(130);
    const summary = (await agent.json("backup", source)).at(-1) as { files_new: number; data_added: number };
    expect(summary.files_new).toBe(fileCount);
    expect(summary.data_added).toBeLessThan(0.8 * fileCount * fileBytes);
    await agent("check", "--read-data");
  });

  test("finds the server gone: says so in one sentence, and that it is there again", async () => {
    await running.stop("SIGTERM");
    const { code, stdout } = await agent.attempt("status");
    expect(code).toBe(1);
    expect(stdout).toContain("not reachable");
    running = await server.start();
    expect(await agent("status")).not.toContain("not reachable");
  });

  const fileCount = 24;
  const fileBytes = 2_000_000;

  /** A slow backup of new files, some of whose packs have arrived. */
  async function backupInTheMiddle(seed: number): Promise<RunningProgram> {
    for (let i = 0; i < fileCount; i++) await writeFile(join(source, `${seed}-${i}`), noise(fileBytes, seed * 100 + i));
    const before = await packsAtServer();
    const backup = agent.start("--pack-size", "4", "--limit-upload", "8192", "backup", source);
    // Five are on their way at once and arrive together: with more than those, the first five have been answered.
    await expect.poll(packsAtServer, { interval: 20, timeout: 60_000 }).toBeGreaterThan(before + 6);
    return backup;
  }

  async function packsAtServer(): Promise<number> {
    const all = await readdir(join(server.dataFolder, "objects"), { recursive: true });
    return all.filter((name) => /\/data\/[0-9a-f]{2}\/[0-9a-f]{64}$/.test(name)).length;
  }
});
