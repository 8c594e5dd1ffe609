import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { noise, prose } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent } from "../support/saveos-agent.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type RunningProgram } from "../support/start-program.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

describe("a backup that an administrator orders", () => {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;
  let agent: SaveosAgent;
  let daemon: RunningProgram;
  let agentId: string;
  let source: string;

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer();
    administrator = administratorOf(saveos);
    agent = agentAt(join(temp.path, "machine"));
    source = join(temp.path, "source");
    await mkdir(source);
    await writeFile(join(source, "text"), prose(300_000, 1));
    const provisioned = await administrator.provision();
    agentId = provisioned.agentId;
    await register(agent, provisioned.enrolment);
    daemon = agent.start("daemon");
    await daemon.until("Serving");
    await untilOnline();
  });
  afterAll(async () => {
    await daemon.stop();
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  test("reaches the waiting machine in under a second, and ends completed with a summary", async () => {
    const orderedAt = performance.now();
    const jobId = await administrator.orderBackup({ agent_id: agentId, paths: [source], tags: ["ordered"] });
    await daemon.until(`${jobId} (backup) begins`);
    expect(performance.now() - orderedAt).toBeLessThan(1000);
    expect((await administrator.untilJob(jobId, "running")).state).not.toBe("pending");
    const job = await administrator.untilJob(jobId);
    expect(job).toMatchObject({
      state: "completed",
      summary: { files_new: 1, total_bytes_processed: 300_000, errors: 0 },
    });
    const [known] = await administrator.snapshots(agentId);
    expect(known).toMatchObject({ job_id: jobId, files: 1, bytes: 300_000 });
    expect(job.summary).toMatchObject({ snapshot_id: known?.id });
    const [own] = (await agent.json("snapshots", "--tag", "ordered")).flat() as { id: string; paths: string[] }[];
    expect(own).toMatchObject({ id: known?.id, paths: [source] });
  });

  test("leaves out what it says to leave out", async () => {
    await writeFile(join(source, "left-out.tmp"), "x");
    const jobId = await administrator.orderBackup({ agent_id: agentId, paths: [source], excludes: ["*.tmp"] });
    expect(await administrator.untilJob(jobId)).toMatchObject({
      state: "completed",
      summary: { files_unmodified: 1, files_new: 0 },
    });
  });

  test("ends partial when something could not be read, and doesn't tell the server what", async () => {
    // Whoever may read anything still can't read this.
    const unreadable = `/proc/${process.pid}/mem`;
    const jobId = await administrator.orderBackup({ agent_id: agentId, paths: [source, unreadable] });
    const job = await administrator.untilJob(jobId);
    expect(job).toMatchObject({ state: "partial", summary: { errors: 1 } });
    expect(job.reason).not.toContain("mem");
    await daemon.until(unreadable);
  });

  test("ends partial when one of its folders is missing, and failed when all are", async () => {
    const missing = join(temp.path, "missing");
    const some = await administrator.orderBackup({ agent_id: agentId, paths: [source, missing] });
    expect((await administrator.untilJob(some)).state).toBe("partial");
    const all = await administrator.orderBackup({ agent_id: agentId, paths: [missing] });
    const job = await administrator.untilJob(all);
    expect(job.state).toBe("failed");
    expect(job.reason).toBeTruthy();
  });

  test("waits for a machine that is away, is done once when it comes back, and its report survives the end of the daemon", async () => {
    await daemon.stop();
    await writeFile(join(source, "while away"), noise(100_000, 2));
    const jobId = await administrator.orderBackup({ agent_id: agentId, paths: [source] });
    expect((await administrator.job(jobId)).state).toBe("pending");
    const before = (await administrator.snapshots(agentId)).length;
    daemon = agent.start("daemon");
    expect((await administrator.untilJob(jobId)).state).toBe("completed");
    expect(await administrator.snapshots(agentId)).toHaveLength(before + 1);
  });

  test("is refused for an agent that there is not, and without an administrator's credential", async () => {
    await expect(administrator.orderBackup({ agent_id: crypto.randomUUID(), paths: [source] })).rejects.toThrow("404");
    const stranger = administratorOf({ server: saveos.server, apiKey: "wrong" });
    await expect(stranger.orderBackup({ agent_id: agentId, paths: [source] })).rejects.toThrow("401");
  });

  test("a daemon that is stopped ends with 0, and a second one of the same machine is refused", async () => {
    const second = await agent.attempt("daemon");
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("runs already");
    expect((await daemon.stop("SIGTERM")).code).toBe(0);
    await rm(source, { recursive: true });
  });

  async function untilOnline(): Promise<void> {
    const isOnline = async () => expect((await administrator.agent(agentId)).state).toBe("online");
    await vi.waitFor(isOnline, { timeout: 30_000, interval: 20 });
  }
});
