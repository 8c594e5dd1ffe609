import { randomUUID } from "node:crypto";
import { problem } from "@saveos/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Answer, send } from "../testing/api-client.ts";
import { startServer, type TestServer } from "../testing/start-server.ts";

type Who = "nobody" | "wrong" | "other agent" | "agent" | "administrator";

let server: TestServer;
let credentials: Record<Exclude<Who, "nobody">, string>;
/** Where a path names an agent or a job, it is those of the credential "agent". */
let agentId: string;
let jobId: string;

beforeAll(async () => {
  server = await startServer({ environment: { SAVEOS_LOG_LEVEL: "silent" } });
  const administrator = await server.createApiKey();
  const [agent, other] = [await enrol(administrator, "first"), await enrol(administrator, "second")];
  credentials = {
    administrator,
    agent: agent.credential,
    "other agent": other.credential,
    wrong: flipped(administrator),
  };
  agentId = agent.agent_id;
  const queued = await call("POST", "/api/v1/backup", "administrator", { agent_id: agentId, paths: ["/home"] });
  jobId = z.object({ job_id: z.uuid() }).parse(queued.body).job_id;
}, 120_000);

afterAll(async () => await server.stop(), 60_000);

async function enrol(administrator: string, hostname: string) {
  const provisioned = await send(server.httpUrl, "POST", "/api/v1/agents/provision", {
    credential: administrator,
    body: { hostname },
  });
  const { token } = z.object({ enrolment: z.object({ token: z.string() }) }).parse(provisioned.body).enrolment;
  const registered = await send(server.httpUrl, "POST", "/api/v1/agents/register", {
    body: { token, hostname, platform: "linux", agent_version: "0.1.0", machine_id: hostname },
  });
  return z.object({ agent_id: z.uuid(), credential: z.string() }).parse(registered.body);
}

/** A well-formed secret that differs in its last letter. */
function flipped(secret: string): string {
  return secret.slice(0, -1) + (secret.endsWith("A") ? "B" : "A");
}

async function call(method: string, path: string, who: Who, body?: unknown): Promise<Answer> {
  const credential = who === "nobody" ? undefined : credentials[who];
  return await send(server.httpUrl, method, path.replace("{agent_id}", agentId).replace("{job_id}", jobId), {
    credential,
    body,
  });
}

const heartbeat = (machineId: string) => ({
  hostname: "first",
  agent_version: "0.1.0",
  machine_id: machineId,
  session_id: randomUUID(),
  running_jobs: [],
  wait_seconds: 0,
});
const reports = () => ({
  reports: [{ kind: "started", job_id: jobId, sequence: 0, at: "2030-01-01T00:00:00Z" }],
});

interface Rule {
  readonly route: string;
  /** The statuses for nobody, a wrong credential, another agent, the agent that it is about, and an administrator. */
  readonly statuses: readonly [number, number, number, number, number];
  readonly body?: () => unknown;
}

const callers: readonly Who[] = ["nobody", "wrong", "other agent", "agent", "administrator"];

/** Who may do what: every route there is. */
const rules: readonly Rule[] = [
  { route: "GET /health", statuses: [200, 200, 200, 200, 200] },
  { route: "GET /health/live", statuses: [200, 200, 200, 200, 200] },
  { route: "GET /metrics", statuses: [401, 401, 403, 403, 200] },
  { route: "POST /api/v1/agents/provision", statuses: [401, 401, 403, 403, 201], body: () => ({ hostname: "new" }) },
  // It is the token in the body that counts here: none of the callers has one.
  {
    route: "POST /api/v1/agents/register",
    statuses: [401, 401, 401, 401, 401],
    body: () => ({ token: "no token", hostname: "a", platform: "linux", agent_version: "1", machine_id: "a" }),
  },
  { route: "POST /api/v1/agents/heartbeat", statuses: [401, 401, 409, 200, 403], body: () => heartbeat("first") },
  { route: "POST /api/v1/agents/reports", statuses: [401, 401, 200, 200, 403], body: reports },
  { route: "GET /api/v1/agents", statuses: [401, 401, 403, 403, 200] },
  { route: "GET /api/v1/agents/stats", statuses: [401, 401, 403, 403, 200] },
  { route: "GET /api/v1/agents/{agent_id}", statuses: [401, 401, 403, 403, 200] },
  {
    route: "POST /api/v1/backup",
    statuses: [401, 401, 403, 403, 202],
    body: () => ({ agent_id: agentId, paths: ["/home"] }),
  },
  { route: "GET /api/v1/backup/{agent_id}/snapshots", statuses: [401, 401, 404, 200, 200] },
  { route: "GET /api/v1/jobs/{job_id}", statuses: [401, 401, 404, 200, 200] },
  { route: "GET /api/v1/jobs", statuses: [401, 401, 403, 403, 200] },
  // The last: after it, the agent is nobody.
  { route: "POST /api/v1/agents/{agent_id}/revoke", statuses: [401, 401, 403, 403, 200] },
];

const bodies = {
  "POST /api/v1/agents/provision": [
    [{}, "/hostname"],
    [{ hostname: "not a host" }, "/hostname"],
    [{ hostname: "a", expires_in_hours: 0 }, "/expires_in_hours"],
    [{ hostname: "a", expires_in_hours: 24 * 365 }, "/expires_in_hours"],
    [{ hostname: "a", repository_id: "mine" }, "/repository_id"],
    [{ hostname: "a", unknown: true }, ""],
  ],
  "POST /api/v1/backup": [
    [{ agent_id: "me", paths: ["/"] }, "/agent_id"],
    [{ agent_id: randomUUID(), paths: [] }, "/paths"],
    [{ agent_id: randomUUID(), paths: [""] }, "/paths/0"],
    [[], ""],
  ],
} as const;

const agentBodies = {
  "POST /api/v1/agents/heartbeat": [
    [{ ...heartbeat("first"), wait_seconds: 31 }, "/wait_seconds"],
    [{ ...heartbeat("first"), session_id: "1" }, "/session_id"],
    [{ ...heartbeat("first"), running_jobs: ["1"] }, "/running_jobs/0"],
  ],
  "POST /api/v1/agents/reports": [
    [{ reports: [] }, "/reports"],
    [{ reports: [{ kind: "guess" }] }, "/reports/0/kind"],
    [
      { reports: [{ kind: "started", job_id: randomUUID(), sequence: -1, at: "2030-01-01T00:00:00Z" }] },
      "/reports/0/sequence",
    ],
  ],
} as const;

describe("bad input", () => {
  test.each(Object.entries(bodies))("%s names what is wrong by its place", async (route, cases) => {
    await expectPointers(route, cases, "administrator");
  });

  test.each(Object.entries(agentBodies))("%s names what is wrong by its place", async (route, cases) => {
    await expectPointers(route, cases, "agent");
  });

  async function expectPointers(route: string, cases: readonly (readonly [unknown, string])[], who: Who) {
    const [method = "", path = ""] = route.split(" ");
    for (const [body, pointer] of cases) {
      const answer = await call(method, path, who, body);
      expect(answer.status, JSON.stringify(body)).toBe(400);
      expect(problem.parse(answer.body).errors?.map((error) => error.pointer)).toContain(pointer);
    }
  }

  test.each([
    ["GET", "/api/v1/agents/not-an-id", 400],
    ["GET", "/api/v1/jobs/not-an-id", 400],
    ["GET", "/api/v1/jobs?limit=0", 400],
    ["GET", "/api/v1/jobs?agent=typo", 400],
    ["GET", "/api/v1/agents?limit=1001", 400],
    ["GET", `/api/v1/agents/${randomUUID()}`, 404],
    ["GET", `/api/v1/jobs/${randomUUID()}`, 404],
    ["GET", `/api/v1/backup/${randomUUID()}/snapshots`, 404],
    ["POST", `/api/v1/agents/${randomUUID()}/revoke`, 404],
    ["GET", "/api/v1/elsewhere", 404],
    ["DELETE", "/api/v1/jobs", 405],
    ["PUT", "/health", 405],
  ])("%s %s is answered with %i as a problem", async (method, path, status) => {
    const answer = await call(method, path, "administrator");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(problem.parse(answer.body)).toMatchObject({ status, type: "about:blank" });
  });

  test("a wrong method is told which ones there are", async () => {
    const answer = await call("DELETE", "/api/v1/agents/{agent_id}", "administrator");
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
  });

  test("a body that is no JSON, of another type, or too large is refused", async () => {
    const path = "/api/v1/agents/provision";
    const credential = credentials.administrator;
    const sendBody = async (body: string, type: string) =>
      (await send(server.httpUrl, "POST", path, { credential, body, headers: { "content-type": type } })).status;
    expect(await sendBody("{", "application/json")).toBe(400);
    expect(await sendBody('{"__proto__": {"administrator": true}}', "application/json")).toBe(400);
    expect(await sendBody("<agent/>", "text/xml")).toBe(415);
    expect(await sendBody(`"${"a".repeat(1024 * 1024)}"`, "application/json")).toBe(413);
  });

  test("who asks comes before what is asked: bad input of nobody is 401", async () => {
    expect((await call("POST", "/api/v1/backup", "nobody", { wrong: true })).status).toBe(401);
    expect((await call("GET", "/api/v1/agents/not-an-id", "nobody")).status).toBe(401);
  });

  test("an order for a machine that hasn't enrolled is refused: nobody would take it", async () => {
    const provisioned = await call("POST", "/api/v1/agents/provision", "administrator", { hostname: "later" });
    const { agent_id } = z.object({ agent_id: z.uuid() }).parse(provisioned.body);
    expect((await call("POST", "/api/v1/backup", "administrator", { agent_id, paths: ["/"] })).status).toBe(409);
  });
});

describe("who may do what", () => {
  test.each(rules)("$route", async ({ route, statuses, body }) => {
    const [method = "", path = ""] = route.split(" ");
    const found: number[] = [];
    for (const who of callers) found.push((await call(method, path, who, body?.())).status);
    expect(found).toEqual(statuses);
  });

  test("the table above has every route, and /docs says of each who may use it", async () => {
    const documented = await documentedRoutes();
    expect([...documented.keys()].toSorted()).toEqual(rules.map(({ route }) => route).toSorted());
    for (const { route, statuses } of rules) {
      const [nobody, , , agent, administrator] = statuses;
      const security = documented.get(route) ?? [];
      if (route === "POST /api/v1/agents/register") continue;
      expect(security.length === 0, route).toBe(nobody === 200);
      expect(security.includes("agent_credential"), route).toBe(nobody !== 200 && agent !== 403);
      expect(security.includes("api_key"), route).toBe(nobody !== 200 && administrator !== 403);
    }
  });

  test("a revoked credential opens nothing from the next request on, the gateway included", async () => {
    for (const path of ["/api/v1/jobs/{job_id}", `/restic/${randomUUID()}/config`]) {
      expect((await call("GET", path, "agent")).status).toBe(401);
    }
  });

  test("an answer to nobody asks for a credential", async () => {
    expect((await call("GET", "/metrics", "nobody")).headers.get("www-authenticate")).toBe('Bearer realm="SaveOS"');
  });

  test("the API takes a credential as the password of HTTP Basic too", async () => {
    const basic = Buffer.from(`anyone:${credentials.administrator}`).toString("base64");
    const answer = await send(server.httpUrl, "GET", "/metrics", { headers: { authorization: `Basic ${basic}` } });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('saveos_agents{state="revoked"} 1');
  });

  test("after many wrong credentials an address is told to wait, and a right one still works", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 25; i += 1) statuses.push((await call("GET", "/metrics", "wrong")).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await call("GET", "/metrics", "administrator")).status).toBe(200);
  });
});

async function documentedRoutes(): Promise<Map<string, string[]>> {
  const operation = z.object({ security: z.array(z.record(z.string(), z.unknown())).default([]) });
  const openApi = z.object({ paths: z.record(z.string(), z.record(z.string(), operation)) });
  const { paths } = openApi.parse((await call("GET", "/docs/json", "nobody")).body);
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => [
        `${method.toUpperCase()} ${path}`,
        security.flatMap((scheme) => Object.keys(scheme)),
      ]),
    ),
  );
}
