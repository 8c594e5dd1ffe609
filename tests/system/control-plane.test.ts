import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Agent,
  agentList,
  type Job,
  jobAccepted,
  jobList,
  jobLog,
  plan as planSchema,
  provisionResponse,
  runPreview,
  snapshotList,
} from "@saveos/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../../apps/server/src/testing/api-client.ts";
import { setUpServer, type SignedIn } from "../../apps/server/src/testing/people.ts";
import { noise } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent } from "../support/saveos-agent.ts";
import { type ServerProcess, serverProcess } from "../support/server-process.ts";
import type { RunningProgram } from "../support/start-program.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

interface Machine {
  readonly agent: SaveosAgent;
  readonly daemon: RunningProgram;
  readonly agentId: string;
  readonly folder: string;
}

/** A plan of every minute is due within one; a machine under load takes its time. */
const patience = { timeout: 120_000, interval: 100 };

/** As a new user would: set the server up, enrol two machines, make one plan, watch both back up on schedule, restore a file of one on the other. */
describe("a server, two machines and one plan", () => {
  let temp: TempFolder;
  let server: ServerProcess;
  let owner: SignedIn;
  let machines: Record<"first" | "second", Machine>;
  let planId: string;

  beforeAll(async () => {
    temp = await tempFolder();
    server = await serverProcess(join(temp.path, "data"));
  });
  afterAll(async () => {
    for (const { daemon } of Object.values(machines ?? {})) await daemon[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await send(server.httpUrl, method, path, {
      headers: { cookie: owner.cookie },
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const jobsOf = async (query: string): Promise<Job[]> =>
    jobList.parse(await call("GET", `/api/v1/jobs?${query}`)).jobs;
  const jobOf = async (id: string) => (await jobsOf("limit=500")).find((job) => job.id === id);
  const ended = async (id: string): Promise<Job> => {
    await expect.poll(async () => (await jobOf(id))?.finished_at ?? null, patience).not.toBeNull();
    return (await jobOf(id)) as Job;
  };
  const agentOf = async ({ agentId }: Machine): Promise<Agent> => {
    const { agents } = agentList.parse(await call("GET", "/api/v1/agents"));
    return agents.find(({ id }) => id === agentId) as Agent;
  };
  const order = async (path: string, body: object) => jobAccepted.parse(await call("POST", path, body)).job_id;
  const logOf = async (id: string) =>
    jobLog.parse(await call("GET", `/api/v1/jobs/${id}/log?limit=1000`)).lines.map(({ text }) => text);

  async function enrolMachine(name: string): Promise<Machine> {
    const folder = join(temp.path, `${name}-files`);
    await mkdir(join(folder, "documents"), { recursive: true });
    await writeFile(join(folder, "documents", `${name}.txt`), `what ${name} wrote\n`);
    await writeFile(join(folder, "photo.bin"), noise(2_000_000, name.length));
    const provisioned = await call("POST", "/api/v1/agents/provision", {
      hostname: name,
      platform: "linux",
      tags: ["office"],
    });
    const { enrolment, agent_id: agentId } = provisionResponse.parse(provisioned);
    const machineIdFile = join(temp.path, `${name}-machine-id`);
    await writeFile(machineIdFile, `${Buffer.from(name).toString("hex").padEnd(32, "0").slice(0, 32)}\n`);
    const agent = agentAt(join(temp.path, name), { machineIdFile });
    await register(agent, { ...enrolment, server_url: server.httpsUrl });
    const daemon = agent.start("daemon", "--normal-priority");
    await daemon.until("Serving");
    return { agent, daemon, agentId, folder };
  }

  test("the server is set up by the link that it prints, and then prints none", async () => {
    const running = await server.start();
    const link = /http:\/\/localhost:\d+\/setup#\S+/.exec(running.printed())?.[0] ?? "";
    owner = await setUpServer(server.httpUrl, link);
    await running.stop();
    const again = await server.start();
    expect(again.printed()).not.toContain("/setup#");
  });

  test("two machines enrol, and are online", async () => {
    machines = { first: await enrolMachine("first"), second: await enrolMachine("second") };
    await expect.poll(async () => (await agentOf(machines.first)).state, patience).toBe("online");
    await expect.poll(async () => (await agentOf(machines.second)).state, patience).toBe("online");
  });

  test("a plan for their tag runs on both by the clock, with hooks that each machine allows", async () => {
    for (const { agent, folder } of Object.values(machines)) {
      const script = join(temp.path, "note.sh");
      await writeFile(script, '#!/bin/sh\necho "$SAVEOS_JOB_ID" >> "$1"\n');
      await chmod(script, 0o755);
      const hooks = { note: { command: [script, join(folder, "noted.txt")] } };
      await writeFile(join(agent.home, "hooks.json"), JSON.stringify(hooks), { mode: 0o600 });
    }
    const made = await call("POST", "/api/v1/plans", {
      name: "Office, every minute",
      paths: Object.values(machines).map(({ folder }) => join(folder, "documents")),
      presets: [],
      snapshot_tags: ["by-plan"],
      schedule: { kind: "cron", expression: "* * * * *" },
      retention: { keep_daily: 7 },
      hooks: { before: [{ name: "note" }], after: [{ name: "unknown", when: "always" }] },
      agent_tags: ["office"],
    });
    planId = planSchema.parse(made).id;
    await expect
      .poll(async () => planSchema.parse(await call("GET", `/api/v1/plans/${planId}`)).agents, patience)
      .toBe(2);
    const { runs } = runPreview.parse(await call("GET", `/api/v1/plans/${planId}/preview`));
    expect(runs.length).toBeGreaterThan(1000);
    for (const { agentId, folder } of Object.values(machines)) {
      const own = async () =>
        (await jobsOf(`agent_id=${agentId}&plan_id=${planId}`)).findLast(({ finished_at }) => finished_at !== null);
      await expect.poll(own, patience).toBeDefined();
      const job = await own();
      expect(job).toMatchObject({ kind: "backup", state: "completed", requested_by: null, summary: { files_new: 2 } });
      expect((await readFile(join(folder, "noted.txt"), "utf8")).split("\n")).toContain(job?.id);
      const log = (await logOf(job?.id ?? "")).join("\n");
      expect(log).toMatch(/"note" ended with 0/);
      expect(log).toMatch(/"unknown" is not allowed on this machine/);
      expect(log).not.toContain("documents");
    }
  });

  test("a disabled plan runs no more", async () => {
    const {
      id: _id,
      agents: _agents,
      next_run_at: _next,
      created_at: _created,
      updated_at: _updated,
      pending_retention: _pending,
      ...plan
    } = planSchema.parse(await call("GET", `/api/v1/plans/${planId}`));
    const changed = planSchema.parse(await call("PUT", `/api/v1/plans/${planId}`, { ...plan, enabled: false }));
    expect(changed.enabled).toBe(false);
    await expect
      .poll(async () => planSchema.parse(await call("GET", `/api/v1/plans/${planId}`)).next_run_at, patience)
      .toBeNull();
  });

  test("a file of one machine is restored on the other, by names that the server can't read", async () => {
    const { first, second } = machines;
    const [snapshot] = snapshotList.parse(await call("GET", `/api/v1/backup/${first.agentId}/snapshots`)).snapshots;
    const { recipient } = await agentOf(second);
    const chosen = join(first.folder, "documents", "first.txt");
    const sealed = (await first.agent("seal-restore", "--recipient", recipient ?? "", chosen)).trim();
    const target = join(temp.path, "restored");
    const allowed = JSON.stringify({ folders: [target] });
    await writeFile(join(second.agent.home, "restore-folders.json"), allowed, { mode: 0o600 });
    const id = await order("/api/v1/restore", {
      agent_id: second.agentId,
      repository_id: (await agentOf(first)).repository_id,
      snapshot_id: snapshot?.id,
      target,
      sealed,
    });
    expect(await ended(id)).toMatchObject({ kind: "restore", state: "completed", summary: { errors: 0 } });
    expect(await readFile(join(target, chosen), "utf8")).toBe("what first wrote\n");
    await expect(readFile(join(target, first.folder, "noted.txt"))).rejects.toThrow();
  });

  test("the other machine can't read the repository any more once it has restored", async () => {
    const { first, second } = machines;
    const { credential } = JSON.parse(await readFile(join(second.agent.home, "secrets.json"), "utf8")) as {
      credential: string;
    };
    const { repository_id: id } = await agentOf(first);
    const answer = await send(server.httpUrl, "GET", `/restic/${id}/snapshots/`, { credential });
    expect(answer.status).toBe(404);
  });

  test("a machine checks its repository when told to", async () => {
    const id = await order("/api/v1/check", { agent_id: machines.first.agentId, read_data_percent: 100 });
    expect(await ended(id)).toMatchObject({ kind: "check", state: "completed", summary: { num_errors: 0 } });
  });

  test("a job is cancelled within five seconds, in the middle of its work", async () => {
    const { first } = machines;
    const hooks = { wait: { command: ["/bin/sleep", "300"] } };
    await writeFile(join(first.agent.home, "hooks.json"), JSON.stringify(hooks), { mode: 0o600 });
    const plan = planSchema.parse(
      await call("POST", "/api/v1/plans", {
        name: "waits",
        paths: [first.folder],
        hooks: { before: [{ name: "wait" }] },
        agent_ids: [first.agentId],
      }),
    );
    const id = await order("/api/v1/backup", { agent_id: first.agentId, plan_id: plan.id });
    await expect.poll(async () => (await jobOf(id))?.state, patience).toBe("running");
    const begun = performance.now();
    await call("POST", `/api/v1/jobs/${id}/cancel`);
    await first.daemon.until(`Job ${id} cancelled`);
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(await jobOf(id)).toMatchObject({ state: "cancelled" });
  });
});
