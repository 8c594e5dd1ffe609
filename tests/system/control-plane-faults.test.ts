import { join } from "node:path";
import { health, heartbeatResponse, jobAccepted, jobList, plan, problem } from "@saveos/contract";
import { describe, expect, test } from "vitest";
import { startEmbeddedServer } from "../../apps/server/src/database/embedded-server.ts";
import { send } from "../../apps/server/src/testing/api-client.ts";
import { administratorOf } from "../support/administrator.ts";
import { serverProcess } from "../support/server-process.ts";
import { simulateAgent } from "../support/simulated-agent.ts";
import { tempFolder } from "../support/temp-folder.ts";

const patience = { timeout: 60_000, interval: 50 };

describe("a database that goes away", () => {
  test("makes the server not ready and its answers 503, and all goes on when it is back", async () => {
    await using temp = await tempFolder();
    const folder = join(temp.path, "postgres");
    let postgres = await startEmbeddedServer(folder);
    const { user, socketFolder, database } = postgres.address;
    const DATABASE_URL = `postgres://${user}@${encodeURIComponent(socketFolder)}/${database}`;
    await using server = await serverProcess(join(temp.path, "data"), { DATABASE_URL });
    await server.start();
    const apiKey = await server.createApiKey();
    const administrator = administratorOf({ server, apiKey });
    const agent = await administrator.enrol({ hostname: "machine" });
    const call = async (method: string, path: string, body?: object) =>
      await send(server.httpUrl, method, path, { credential: apiKey, ...(body === undefined ? {} : { body }) });
    expect((await call("GET", "/health")).status).toBe(200);

    await postgres.stop();
    await expect.poll(async () => (await call("GET", "/health")).status, patience).toBe(503);
    expect(health.parse((await call("GET", "/health")).body)).toMatchObject({
      status: "not-ready",
      checks: { database: "failed" },
    });
    expect((await call("GET", "/health/live")).status).toBe(200);
    const refused = await call("GET", "/api/v1/agents");
    expect(problem.parse(refused.body)).toMatchObject({ status: 503 });
    expect(refused.headers.get("retry-after")).toBe("5");
    expect((await call("POST", "/api/v1/backup", { agent_id: agent.agent_id, paths: ["/home"] })).status).toBe(503);

    postgres = await startEmbeddedServer(folder);
    expect(postgres.address.socketFolder).toBe(socketFolder);
    await expect.poll(async () => (await call("GET", "/health")).status, patience).toBe(200);
    const jobId = await administrator.orderBackup({ agent_id: agent.agent_id, paths: ["/home"] });
    const beat = await send(server.httpUrl, "POST", "/api/v1/agents/heartbeat", {
      credential: agent.credential,
      body: {
        hostname: "machine",
        agent_version: "0.1.0",
        machine_id: "a test",
        session_id: crypto.randomUUID(),
        time_zone: "UTC",
        running_jobs: [],
        wait_seconds: 10,
      },
    });
    expect(heartbeatResponse.parse(beat.body).orders.map(({ job_id }) => job_id)).toEqual([jobId]);
    await server[Symbol.asyncDispose]();
    await postgres.stop();
  });
});

describe("a server that is killed in the middle of fifty jobs", () => {
  test("finds each of them where it was: all are done, each once", async () => {
    await using temp = await tempFolder();
    await using server = await serverProcess(join(temp.path, "data"));
    const running = await server.start();
    const apiKey = await server.createApiKey();
    const url = server.httpUrl;
    // The first half is done before the kill, the other can't end before the server is back.
    const isBack = Promise.withResolvers<undefined>();
    let done = 0;
    const work = async () => {
      if ((done += 1) > 25) await isBack.promise;
    };
    await using agents = new AsyncDisposableStack();
    const machines = [];
    for (let i = 0; i < 10; i += 1) {
      machines.push(agents.use(await simulateAgent({ url, apiKey, hostname: `machine-${i}`, work })));
    }
    const jobIds: string[] = [];
    for (let i = 0; i < 50; i += 1) {
      const body = { agent_id: machines[i % 10]?.agentId, paths: ["/home"] };
      jobIds.push(
        jobAccepted.parse((await send(url, "POST", "/api/v1/backup", { credential: apiKey, body })).body).job_id,
      );
    }
    const states = async () => {
      const { jobs } = jobList.parse((await send(url, "GET", "/api/v1/jobs?limit=500", { credential: apiKey })).body);
      return jobs.map(({ state }) => state).toSorted();
    };
    await expect.poll(() => done, patience).toBeGreaterThan(25);
    await running.stop("SIGKILL");
    await server.start();
    isBack.resolve(undefined);
    await expect.poll(states, patience).toEqual(Array.from({ length: 50 }, () => "completed"));
    const begun = machines.flatMap((machine) => [...machine.begun]);
    expect(begun.map(([id]) => id).toSorted()).toEqual(jobIds.toSorted());
    expect(begun.every(([, times]) => times === 1)).toBe(true);
  });
});

describe("an API process and a worker on one database", () => {
  test("share the work: the API answers and leaves the tasks, the worker does them and answers for its health alone", async () => {
    await using temp = await tempFolder();
    await using postgres = await startEmbeddedServer(join(temp.path, "postgres"));
    const { user, socketFolder, database } = postgres.address;
    const settings = { DATABASE_URL: `postgres://${user}@${encodeURIComponent(socketFolder)}/${database}` };
    await using api = await serverProcess(join(temp.path, "api"), { ...settings, SAVEOS_ROLE: "api" });
    await using worker = await serverProcess(join(temp.path, "worker"), { ...settings, SAVEOS_ROLE: "worker" });
    await api.start();
    const apiKey = await api.createApiKey();
    const administrator = administratorOf({ server: api, apiKey });
    const agent = await administrator.enrol({ hostname: "machine", tags: ["all"] });
    const call = async (url: string, method: string, path: string, body?: object) =>
      await send(url, method, path, { credential: apiKey, ...(body === undefined ? {} : { body }) });
    const schedule = { kind: "cron", expression: "0 0 * * *" };
    const made = await call(api.httpUrl, "POST", "/api/v1/plans", {
      name: "p",
      paths: ["/home"],
      agent_tags: ["all"],
      schedule,
    });
    const { id } = plan.parse(made.body);
    const nextRun = async () => plan.parse((await call(api.httpUrl, "GET", `/api/v1/plans/${id}`)).body).next_run_at;
    expect(await nextRun()).toBeNull();
    await worker.start();
    await expect.poll(nextRun, patience).not.toBeNull();
    expect((await call(worker.httpUrl, "GET", "/health")).status).toBe(200);
    expect((await call(worker.httpUrl, "GET", "/api/v1/agents")).status).toBe(404);
    expect((await administrator.agent(agent.agent_id)).state).toBe("offline");
  });
});
