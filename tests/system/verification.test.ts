import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Finding, plan as planSchema, planRun } from "@saveos/contract";
import { afterAll, beforeAll, describe, test } from "vitest";
import { send } from "../../apps/server/src/testing/api-client.ts";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { manifestOf } from "../support/manifest.ts";
import { resticOn } from "../support/restic.ts";
import { noise } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent, secretsOf } from "../support/saveos-agent.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import type { RunningProgram } from "../support/start-program.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const askAgainMs = 50;
const fileBytes = 600_000;

/** A machine with a plan that has run once, and its repository on the server's disk. */
interface Machine {
  readonly agent: SaveosAgent;
  readonly daemon: RunningProgram;
  readonly repositoryId: string;
  readonly source: string;
  readonly snapshotId: string;
}

/** The whole way: bits that turned on the server's disk are found by the server, which has no key, and mended by the machine, which has. */
describe("a pack that the disk has damaged", () => {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;
  const machines: Machine[] = [];

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer({ environment: { SAVEOS_LOG_LEVEL: "silent" } });
    administrator = administratorOf(saveos);
  });
  afterAll(async () => {
    for (const { daemon } of machines) await daemon.stop();
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await send(saveos.server.httpUrl, method, path, { credential: saveos.apiKey, body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async function newMachine(name: string, seed: number): Promise<Machine> {
    const agent = agentAt(join(temp.path, name));
    const source = join(temp.path, `source of ${name}`);
    await mkdir(source);
    await writeFile(join(source, "noise"), noise(fileBytes, seed));
    await writeFile(join(source, "notes.txt"), "notes\n");
    const { agentId, enrolment } = await administrator.provision();
    await register(agent, enrolment);
    const daemon = agent.start("daemon");
    const repositoryId = (await administrator.agent(agentId)).repository_id ?? "";
    const plan = planSchema.parse(await call("POST", "/api/v1/plans", { name, paths: [source], agent_ids: [agentId] }));
    const { job_ids } = planRun.parse(await call("POST", `/api/v1/plans/${plan.id}/run`));
    const { summary } = await administrator.untilJob(job_ids[0] ?? "");
    const snapshotId = summary !== null && "snapshot_id" in summary ? (summary.snapshot_id ?? "") : "";
    const machine = { agent, daemon, repositoryId, source, snapshotId };
    machines.push(machine);
    return machine;
  }

  function storedAt({ repositoryId }: Machine, ...path: string[]): string {
    return join(saveos.server.dataFolder, "objects", repositoryId, ...path);
  }

  /** Turns a bit of the pack that holds the file. Returns the pack's name. */
  async function damage(machine: Machine): Promise<string> {
    for (const path of await readdir(storedAt(machine, "data"), { recursive: true })) {
      const file = storedAt(machine, "data", path);
      const { size } = await stat(file);
      if (size < fileBytes) continue;
      const bytes = await readFile(file);
      bytes[size >> 1] = (bytes[size >> 1] ?? 0) ^ 1;
      await chmod(file, 0o600);
      await writeFile(file, bytes);
      return path.slice(path.lastIndexOf("/") + 1);
    }
    throw new Error("there is no pack that holds the file");
  }

  async function findingOf(machine: Machine): Promise<Finding> {
    const found = (await administrator.findings()).filter(({ repository_id: id }) => id === machine.repositoryId);
    const [only] = found;
    if (only === undefined || found.length > 1) throw new Error(`there are ${found.length} findings`);
    return only;
  }

  async function untilOver(machine: Machine): Promise<Finding> {
    for (;;) {
      const found = await findingOf(machine);
      if (found.state !== "found" && found.state !== "repairing") return found;
      await pause(askAgainMs);
    }
  }

  async function resticOf(machine: Machine) {
    return resticOn(storedAt(machine), (await secretsOf(machine.agent)).repository_password);
  }

  test.concurrent("is found and named, and its machine stores again what it held", async ({ expect }) => {
    const machine = await newMachine("first", 1);
    const before = await manifestOf(machine.source);
    const pack = await damage(machine);
    await administrator.verify(machine.repositoryId);
    expect(await findingOf(machine)).toMatchObject({ kind: "data", name: pack, what: "damaged" });
    expect(await untilOver(machine)).toMatchObject({ state: "repaired", snapshots_at_risk: [] });

    const restic = await resticOf(machine);
    expect((await restic.attempt("check", "--read-data")).code).toBe(0);
    for (const snapshot of [machine.snapshotId, "latest"]) {
      const back = join(temp.path, `back ${snapshot}`);
      await restic("restore", snapshot, "--target", back);
      expect(await manifestOf(join(back, machine.source))).toEqual(before);
    }
  });

  test.concurrent("whose files are gone from the machine as well is lost, and the snapshot that needs it is named", async ({
    expect,
  }) => {
    const machine = await newMachine("second", 2);
    const pack = await damage(machine);
    await rm(join(machine.source, "noise"));
    await administrator.verify(machine.repositoryId);
    expect(await untilOver(machine)).toMatchObject({
      name: pack,
      state: "lost",
      snapshots_at_risk: [machine.snapshotId],
    });
    const restic = await resticOf(machine);
    expect((await restic.attempt("check")).code).not.toBe(0);
    // What was not lost is there: the newest snapshot as it is, and what is left of the other.
    const back = join(temp.path, "back");
    await restic("restore", "latest", "--target", back);
    expect(await manifestOf(join(back, machine.source))).toEqual(await manifestOf(machine.source));
  });
});
