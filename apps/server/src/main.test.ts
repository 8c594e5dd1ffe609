import { createHash, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import {
  agentStats,
  health,
  heartbeatResponse,
  jobAccepted,
  provisionResponse,
  registerResponse,
  snapshotList,
} from "@saveos/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SocketAddress } from "./database/client.ts";
import { send } from "./testing/api-client.ts";
import { testRecipient } from "./testing/enrol-agent.ts";
import { startServer, type TestServer } from "./testing/start-server.ts";
import { summaryOf } from "./testing/summary-of.ts";
import { startTestDatabases, type TestDatabases } from "./testing/test-databases.ts";

const timeout = 60_000;
const quiet = { SAVEOS_LOG_LEVEL: "silent" };

let databases: TestDatabases;

beforeAll(async () => {
  databases = await startTestDatabases();
}, timeout);
afterAll(async () => await databases.stop(), timeout);

/** A server on a database of its own that costs no making of a cluster. */
async function startOnFreshDatabase(environment: Record<string, string> = {}): Promise<TestServer> {
  return await startServer({ environment: { DATABASE_URL: urlOf((await databases.fresh()).address), ...environment } });
}

function urlOf({ user, socketFolder, database }: SocketAddress): string {
  return `postgres://${user}@${encodeURIComponent(socketFolder)}/${database}`;
}

const facts = { time_zone: "UTC", recipient: testRecipient };

async function enrol({ httpUrl }: TestServer, administrator: string) {
  const provisioned = await send(httpUrl, "POST", "/api/v1/agents/provision", {
    credential: administrator,
    body: { hostname: "machine" },
  });
  const { enrolment } = provisionResponse.parse(provisioned.body);
  const registered = await send(httpUrl, "POST", "/api/v1/agents/register", {
    body: {
      token: enrolment.token,
      hostname: "machine",
      platform: "linux",
      agent_version: "0.1.0",
      machine_id: "m",
      ...facts,
    },
  });
  return { enrolment, ...registerResponse.parse(registered.body) };
}

async function beat({ httpUrl }: TestServer, credential: string, waitSeconds: number) {
  const answer = await send(httpUrl, "POST", "/api/v1/agents/heartbeat", {
    credential,
    body: {
      hostname: "machine",
      agent_version: "0.1.0",
      machine_id: "m",
      session_id: randomUUID(),
      time_zone: facts.time_zone,
      running_jobs: [],
      wait_seconds: waitSeconds,
    },
  });
  return heartbeatResponse.parse(answer.body);
}

async function statsOf({ httpUrl }: TestServer, credential: string) {
  return agentStats.parse((await send(httpUrl, "GET", "/api/v1/agents/stats", { credential })).body);
}

/** Resolves once the server holds a waiting heartbeat. */
async function untilOneWaits({ httpUrl }: TestServer, credential: string): Promise<void> {
  const metrics = async () => (await send(httpUrl, "GET", "/metrics", { credential })).body;
  await expect.poll(metrics, { interval: 20, timeout: 10_000 }).toContain("saveos_waiting_agents 1");
}

test("agents, keys, snapshots and the certificate authority outlive a restart", { timeout: 2 * timeout }, async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "saveos-test-"));
  try {
    const before = await startServer({ dataFolder });
    const key = await before.createApiKey();
    const agent = await enrol(before, key);
    await before.stop();
    await using after = await startServer({ dataFolder });
    expect(after.certificateAuthority).toBe(before.certificateAuthority);
    expect(await statsOf(after, key)).toMatchObject({ total: 1, offline: 1 });
    expect((await beat(after, agent.credential, 0)).orders).toEqual([]);
    expect(await statsOf(after, key)).toMatchObject({ total: 1, online: 1 });
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
});

test("a machine enrols over TLS by the authority in its enrolment, and no one else's", { timeout }, async () => {
  await using server = await startOnFreshDatabase();
  const { enrolment } = await enrol(server, await server.createApiKey());
  expect(enrolment.certificate_authority).toBe(server.certificateAuthority);
  const request = get(new URL("/health", server.httpsUrl), { ca: enrolment.certificate_authority });
  const [response] = await once(request, "response");
  expect(health.parse(await json(response))).toMatchObject({ status: "ready" });
  await expect(fetch(new URL("/health", server.httpsUrl))).rejects.toThrow();
});

test("agents are given the name that was set for the server", { timeout }, async () => {
  await using server = await startOnFreshDatabase({ SAVEOS_HOSTNAME: "backup.example.org" });
  const { enrolment } = await enrol(server, await server.createApiKey());
  expect(enrolment.server_url).toBe(`https://backup.example.org:${new URL(server.httpsUrl).port}`);
});

test("an order given to one process reaches an agent that waits at another", { timeout }, async () => {
  const DATABASE_URL = urlOf((await databases.fresh()).address);
  await using one = await startServer({ environment: { DATABASE_URL } });
  await using two = await startServer({ environment: { DATABASE_URL } });
  const credential = await one.createApiKey();
  const agent = await enrol(one, credential);
  const answer = beat(two, agent.credential, 30);
  await untilOneWaits(two, credential);
  const body = { agent_id: agent.agent_id, paths: ["/home"] };
  const { job_id } = jobAccepted.parse((await send(one.httpUrl, "POST", "/api/v1/backup", { credential, body })).body);
  expect((await answer).orders).toMatchObject([{ kind: "backup", job_id, paths: ["/home"], excludes: [], tags: [] }]);
});

test("a stop answers the agents that wait, and doesn't wait for them", { timeout }, async () => {
  const server = await startOnFreshDatabase();
  const key = await server.createApiKey();
  const agent = await enrol(server, key);
  const answer = beat(server, agent.credential, 30);
  await untilOneWaits(server, key);
  await server.stop();
  expect((await answer).orders).toEqual([]);
  await expect(fetch(server.httpUrl)).rejects.toThrow();
});

test("a snapshot is listed as the server received it, with what its agent told about it", { timeout }, async () => {
  await using server = await startOnFreshDatabase();
  const credential = await server.createApiKey();
  const agent = await enrol(server, credential);
  const store = async (bytes: Buffer) => {
    const id = createHash("sha256").update(bytes).digest("hex");
    const authorization = `Bearer ${agent.credential}`;
    const init = { method: "POST", headers: { authorization, "content-type": "application/octet-stream" } };
    const url = new URL(`${agent.repository_path}snapshots/${id}`, server.httpUrl);
    expect((await fetch(url, { ...init, body: new Uint8Array(bytes) })).status).toBe(200);
    return id;
  };
  await fetch(new URL(`${agent.repository_path}?create=true`, server.httpUrl), {
    method: "POST",
    headers: { authorization: `Bearer ${agent.credential}` },
  });
  const [told, untold] = [await store(randomBytes(100)), await store(randomBytes(200))];
  const body = { agent_id: agent.agent_id, paths: ["/home"] };
  const { job_id } = jobAccepted.parse(
    (await send(server.httpUrl, "POST", "/api/v1/backup", { credential, body })).body,
  );
  await send(server.httpUrl, "POST", "/api/v1/agents/reports", {
    credential: agent.credential,
    body: {
      reports: [
        {
          kind: "finished",
          job_id,
          sequence: 0,
          at: "2030-01-01T00:00:00Z",
          outcome: "completed",
          summary: summaryOf(told),
        },
      ],
    },
  });
  const listed = await send(server.httpUrl, "GET", `/api/v1/backup/${agent.agent_id}/snapshots`, { credential });
  const { snapshots } = snapshotList.parse(listed.body);
  expect(snapshots.map(({ id }) => id)).toEqual([untold, told]);
  expect(snapshots[1]).toMatchObject({ stored_bytes: 100, job_id, files: 7, bytes: 7000, data_added_packed: 1500 });
  expect(snapshots[0]).toMatchObject({ stored_bytes: 200, job_id: null, files: null });
  expect(await statsOf(server, credential)).toMatchObject({ snapshots: 2, never_backed_up: 0, stored_bytes: 300 });
});

test(
  "the page for people speaks their language, says how the server does, and loads nothing from elsewhere",
  { timeout },
  async () => {
    await using server = await startOnFreshDatabase();
    const page = await send(server.httpUrl, "GET", "/", { headers: { "accept-language": "fr-FR" } });
    expect(page.body).toContain('lang="fr"');
    expect(page.body).toContain("prêt");
    expect(page.body).not.toMatch(/\{\{|https?:/);
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect((await send(server.httpUrl, "GET", "/")).body).toContain('lang="en"');
  },
);

test("every answer tells browsers to trust nothing in it", { timeout }, async () => {
  await using server = await startOnFreshDatabase();
  for (const path of ["/", "/health", "/docs", "/docs/json", "/api/v1/agents", "/nowhere"]) {
    const { headers } = await send(server.httpUrl, "GET", path);
    expect(headers.get("x-content-type-options"), path).toBe("nosniff");
    expect(headers.get("content-security-policy"), path).toContain("default-src 'none'");
    expect(headers.get("x-request-id"), path).toMatch(/^[0-9a-f-]{36}$/);
  }
});

test(
  "a server whose objects can't be stored says that it isn't ready, and still that it lives",
  { timeout },
  async () => {
    await using server = await startOnFreshDatabase({
      ...quiet,
      SAVEOS_S3_BUCKET: "b",
      SAVEOS_S3_ENDPOINT: "http://127.0.0.1:1",
    });
    const ready = await send(server.httpUrl, "GET", "/health");
    expect(ready.status).toBe(503);
    expect(health.parse(ready.body).checks).toEqual({ database: "ok", object_store: "failed" });
    expect((await send(server.httpUrl, "GET", "/health/live")).status).toBe(200);
  },
);

test("a busy port is named, and nothing stays open after the failed start", { timeout }, async () => {
  await using blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const address = blocker.address();
  const port = typeof address === "object" && address !== null ? String(address.port) : "";
  await expect(startOnFreshDatabase({ SAVEOS_HTTP_PORT: port })).rejects.toMatchObject({
    code: "port-unavailable",
    message: expect.stringContaining(port),
    hint: expect.stringContaining("SAVEOS_HTTP_PORT"),
  });
});

test("a data folder that is no folder, and a database that isn't there, are named", { timeout }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "saveos-test-"));
  const file = join(folder, "file");
  await writeFile(file, "");
  await expect(startServer({ dataFolder: file })).rejects.toMatchObject({
    code: "data-folder-unusable",
    message: expect.stringContaining(file),
  });
  await rm(folder, { recursive: true });
  const DATABASE_URL = "postgres://user:hunter2@127.0.0.1:1/none";
  await expect(startServer({ environment: { DATABASE_URL } })).rejects.toMatchObject({
    code: "database-unavailable",
    message: expect.not.stringContaining("hunter2"),
  });
});
