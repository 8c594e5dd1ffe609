import { cp, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { prose } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent, secretsOf } from "../support/saveos-agent.ts";
import { serverProcess } from "../support/server-process.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

describe("who is who, between a machine and its server:", () => {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;
  let file: string;

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer();
    administrator = administratorOf(saveos);
    file = join(temp.path, "file");
    await writeFile(file, prose(50_000, 1));
  });
  afterAll(async () => {
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  test("an enrolment works once: whoever comes with it again is told so, and is left without anything", async () => {
    const { enrolment } = await administrator.provision();
    await register(agentAt(join(temp.path, "first")), enrolment);
    const second = agentAt(join(temp.path, "second"));
    await expect(register(second, enrolment)).rejects.toThrow(/used already/);
    expect((await second.attempt("status")).code).toBe(1);
    expect((await administrator.attemptRegister(enrolment.token)).status).toBe(409);
    expect((await administrator.attemptRegister("saveos_enrol_wrong")).status).toBe(401);
  });

  test("a machine that is enrolled is not enrolled over: its password is not lost", async () => {
    const { agent } = await newAgent("enrolled");
    const before = await secretsOf(agent);
    const { enrolment } = await administrator.provision();
    await expect(register(agent, enrolment)).rejects.toThrow(/is enrolled with/);
    expect(await secretsOf(agent)).toEqual(before);
  });

  test("a copy of a machine's home on the same machine is found out at once, and neither harms the other's backups", async () => {
    const { agent, agentId } = await newAgent("original");
    await agent("backup", file);
    const copy = agentAt(join(temp.path, "copy"));
    await cp(agent.home, copy.home, { recursive: true });
    await using original = agent.start("daemon");
    await original.until("Serving");
    await untilOnline(agentId);
    await using other = copy.start("daemon");
    await original.until(/Another machine, or another copy of the agent, uses this credential/);
    expect((await administrator.agent(agentId)).identity_conflict_at).not.toBeNull();

    const jobId = await administrator.orderBackup({ agent_id: agentId, paths: [file] });
    expect((await administrator.untilJob(jobId)).state).toBe("completed");
    await Promise.all([agent("backup", file), copy("backup", file)]);
    await agent("check", "--read-data");
    expect((await agent.json("snapshots")).flat()).toHaveLength(4);
    await other.stop();
  });

  test("a copy of a machine's home on another machine is refused, and the machine itself works on", async () => {
    const { agent, agentId } = await newAgent("machine");
    await using daemon = agent.start("daemon");
    await untilOnline(agentId);
    const machineIdFile = join(temp.path, "another machine-id");
    await writeFile(machineIdFile, "0123456789abcdef0123456789abcdef\n");
    const stolen = agentAt(join(temp.path, "stolen"), { machineIdFile });
    await cp(agent.home, stolen.home, { recursive: true });
    await using refused = stolen.start("daemon");
    await refused.until(/belongs to another machine/);
    expect((await administrator.agent(agentId)).identity_conflict_at).not.toBeNull();
    const jobId = await administrator.orderBackup({ agent_id: agentId, paths: [file] });
    await daemon.until(`${jobId} completed`);
    expect((await administrator.untilJob(jobId)).state).toBe("completed");
  });

  test("a machine whose agent was revoked can't do anything any more", async () => {
    const { agent, agentId } = await newAgent("revoked");
    await agent("backup", file);
    await administrator.revoke(agentId);
    for (const command of [["backup", file], ["snapshots"], ["status"], ["restore", "latest", "--target", temp.path]])
      expect((await agent.attempt(...command)).code, command[0]).toBe(1);
    await using daemon = agent.start("daemon");
    await daemon.until(/revoked/);
  });

  test("an agent speaks to nobody but the server it enrolled with, whatever answers at its address", async () => {
    const [right, wrong] = [join(temp.path, "right"), join(temp.path, "wrong")];
    await using server = await serverProcess(right);
    const agent = agentAt(join(temp.path, "faithful"));
    {
      await using _running = await server.start();
      const own = administratorOf({ server, apiKey: await server.createApiKey() });
      const { enrolment } = await own.provision();
      await register(agent, enrolment);
    }
    await using impostor = await serverProcess(wrong, {
      SAVEOS_HTTPS_PORT: new URL(server.httpsUrl).port,
      SAVEOS_HTTP_PORT: new URL(server.httpUrl).port,
    });
    await using _impostorRunning = await impostor.start();
    for (const command of [["status"], ["snapshots"], ["backup", file]]) {
      const { code, stdout, stderr } = await agent.attempt(...command);
      expect(code, command.join(" ")).toBe(1);
      expect(stdout + stderr).toMatch(/certificate|could not prove/i);
    }
    await using daemon = agent.start("daemon");
    await daemon.until("could not prove");
    expect(await readdir(join(wrong, "objects"))).toEqual([]);
  });

  async function newAgent(name: string): Promise<{ agent: SaveosAgent; agentId: string }> {
    const { agentId, enrolment } = await administrator.provision();
    const agent = agentAt(join(temp.path, name));
    await register(agent, enrolment);
    return { agent, agentId };
  }

  async function untilOnline(agentId: string): Promise<void> {
    const isOnline = async () => expect((await administrator.agent(agentId)).state).toBe("online");
    await vi.waitFor(isOnline, { timeout: 30_000, interval: 20 });
  }
});
