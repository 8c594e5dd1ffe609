import { mkdir, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  isFinal,
  type Job,
  jobAccepted,
  jobList,
  plan as planSchema,
  planRun,
  quarantine,
  repository,
} from "@saveos/contract";
import { seal } from "@saveos/vault";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../../apps/server/src/testing/api-client.ts";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { manifestOf } from "../support/manifest.ts";
import { noise } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent, secretsOf } from "../support/saveos-agent.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type RunningProgram } from "../support/start-program.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const runs = 5;
const askAgainMs = 20;

/** The whole way: a plan's backups, its retention on the real machine, and what was deleted comes back. */
describe("a plan that keeps the last four", () => {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;
  let agent: SaveosAgent;
  let daemon: RunningProgram;
  let agentId: string;
  let repositoryId: string;
  let source: string;
  let first: Awaited<ReturnType<typeof manifestOf>>;
  let oldest: string;

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer();
    administrator = administratorOf(saveos);
    agent = agentAt(join(temp.path, "machine"));
    source = join(temp.path, "source");
    await mkdir(source);
    const provisioned = await administrator.provision();
    agentId = provisioned.agentId;
    await register(agent, provisioned.enrolment);
    daemon = agent.start("daemon");
    repositoryId = (await administrator.agent(agentId)).repository_id ?? "";
  }, 60_000);
  afterAll(async () => {
    await daemon.stop();
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await send(saveos.server.httpUrl, method, path, { credential: saveos.apiKey, body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async function untilEnded(kind: Job["kind"]): Promise<Job> {
    for (;;) {
      const { jobs } = jobList.parse(await call("GET", `/api/v1/jobs?kind=${kind}`));
      const [newest] = jobs;
      if (newest !== undefined && isFinal(newest.state)) return newest;
      await pause(askAgainMs);
    }
  }

  async function repositoryNow() {
    return repository.parse(await call("GET", `/api/v1/repositories/${repositoryId}`));
  }

  test("forgets the oldest after the fifth run, and prunes what it alone needed", async () => {
    const plan = { name: "plan", paths: [source], agent_ids: [agentId], retention: { keep_last: runs - 1 } };
    const { id: planId } = planSchema.parse(await call("POST", "/api/v1/plans", plan));
    const made: string[] = [];
    for (let run = 1; run <= runs; run++) {
      await rm(join(source, `file ${run - 1}`), { force: true });
      await writeFile(join(source, `file ${run}`), noise(600_000, run));
      if (run === 1) first = await manifestOf(source);
      const started = planRun.parse(await call("POST", `/api/v1/plans/${planId}/run`));
      const job = await administrator.untilJob(started.job_ids[0] ?? "");
      expect(job.state).toBe("completed");
      made.push(job.summary !== null && "snapshot_id" in job.summary ? (job.summary.snapshot_id ?? "") : "");
    }
    oldest = made[0] ?? "";
    expect(await untilEnded("forget")).toMatchObject({
      state: "completed",
      plan_id: planId,
      summary: { snapshots_kept: 4, snapshots_removed: 1, snapshots_absent: 0 },
    });
    const pruned = await untilEnded("prune");
    expect(pruned).toMatchObject({ state: "completed", summary: { packs_deleted: expect.any(Number) } });
    const { bytes_freed: freed } = pruned.summary as { bytes_freed: number };
    expect(freed).toBeGreaterThan(600_000);
    const now = await repositoryNow();
    expect(now.quarantined_bytes).toBeGreaterThan(600_000);
    expect((await administrator.snapshots(agentId)).map(({ id }) => id)).toEqual(made.slice(1).toReversed());
    await agent("check", "--read-data");
  });

  test("what it removed comes back whole", async () => {
    const held = quarantine.parse(await call("GET", `/api/v1/repositories/${repositoryId}/quarantine`));
    expect(held.snapshots.map(({ id }) => id)).toEqual([oldest]);
    await administrator.undelete(repositoryId, oldest);
    await agent("check", "--read-data");
    const back = join(temp.path, "back");
    await agent("restore", oldest, "--target", back);
    expect(await manifestOf(join(back, source))).toEqual(first);
  });

  test("another machine looks after the repository of one that is gone, by grant and sealed key", async () => {
    const { repository_password } = await secretsOf(agent);
    await daemon.stop();
    const other = agentAt(join(temp.path, "other"));
    const provisioned = await administrator.provision({ hostname: hostname() });
    await register(other, provisioned.enrolment);
    daemon = other.start("daemon");
    const { recipient } = await administrator.agent(provisioned.agentId);
    const sealed = await seal(recipient ?? "", new TextEncoder().encode(JSON.stringify({ repository_password })));
    const about = { agent_id: provisioned.agentId, repository_id: repositoryId, sealed };
    const ordered = await call("POST", "/api/v1/forget", { ...about, snapshot_ids: [oldest] });
    expect(await administrator.untilJob(jobAccepted.parse(ordered).job_id)).toMatchObject({
      state: "completed",
      summary: { snapshots_removed: 1 },
    });
    const asked = await call("POST", "/api/v1/prune", about);
    expect(await administrator.untilJob(jobAccepted.parse(asked).job_id)).toMatchObject({ state: "completed" });
    expect((await repositoryNow()).snapshots).toBe(4);
    await agent("check", "--read-data");
  });
});
