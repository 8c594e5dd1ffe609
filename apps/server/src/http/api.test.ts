import { randomUUID } from "node:crypto";
import { problem } from "@saveos/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { send } from "../testing/api-client.ts";
import { testRecipient } from "../testing/enrol-agent.ts";
import { startServer, type TestServer } from "../testing/start-server.ts";
import { type Credential, type FixtureAgent, tenantFixture, type TenantFixture } from "../testing/tenant-fixture.ts";

let server: TestServer;
let world: TenantFixture;
let agent: FixtureAgent;
let owner: Credential;

beforeAll(async () => {
  server = await startServer({ environment: { SAVEOS_LOG_LEVEL: "silent" } });
  world = await tenantFixture(server);
  owner = world.people.owner;
  agent = await world.newAgent("first");
}, 120_000);

afterAll(async () => await server.stop(), 60_000);

const heartbeat = {
  hostname: "first",
  agent_version: "0.1.0",
  machine_id: "first",
  session_id: randomUUID(),
  time_zone: "UTC",
  running_jobs: [],
  wait_seconds: 0,
};

const registration = {
  token: "none",
  hostname: "a",
  platform: "linux",
  agent_version: "1",
  machine_id: "a",
  time_zone: "UTC",
  recipient: testRecipient,
};

const plan = { name: "plan", paths: ["/etc"] };
const started = { kind: "started", job_id: randomUUID(), sequence: 0, at: "2030-01-01T00:00:00Z" };
const long = "a".repeat(5000);

/** Bodies that are wrong in one place each, and that place. */
const bodies: Readonly<Record<string, readonly (readonly [unknown, string])[]>> = {
  "POST /api/v1/agents/provision": [
    [{}, "/hostname"],
    [{ hostname: "not a host" }, "/hostname"],
    [{ hostname: "a", platform: "amiga" }, "/platform"],
    [{ hostname: "a", expires_in_hours: 0 }, "/expires_in_hours"],
    [{ hostname: "a", expires_in_hours: 24 * 365 }, "/expires_in_hours"],
    [{ hostname: "a", repository_id: "mine" }, "/repository_id"],
    [{ hostname: "a", repository_id: randomUUID() }, "/repository_id"],
    [{ hostname: "a", plan_id: randomUUID() }, "/plan_id"],
    [{ hostname: "a", unknown: true }, ""],
  ],
  "POST /api/v1/backup": [
    [{ agent_id: "me", paths: ["/"] }, "/agent_id"],
    [{ agent_id: randomUUID(), paths: [] }, "/paths"],
    [{ agent_id: randomUUID(), paths: [""] }, "/paths/0"],
    [{ agent_id: randomUUID() }, "/paths"],
    [{ agent_id: randomUUID(), paths: ["/"], plan_id: randomUUID() }, "/paths"],
    [[], ""],
  ],
  "POST /api/v1/restore": [
    [{ agent_id: randomUUID(), snapshot_id: "latest" }, "/snapshot_id"],
    [{ agent_id: randomUUID(), snapshot_id: "ab".repeat(32), overwrite: "maybe" }, "/overwrite"],
    [{ agent_id: randomUUID(), snapshot_id: "ab".repeat(32), sealed: "not base64!" }, "/sealed"],
  ],
  "POST /api/v1/check": [[{ agent_id: randomUUID(), read_data_percent: 101 }, "/read_data_percent"]],
  "POST /api/v1/plans": [
    [{ name: "plan" }, "/paths"],
    [{ ...plan, name: " " }, "/name"],
    [{ ...plan, presets: ["everything"] }, "/presets/0"],
    [{ ...plan, schedule: { kind: "daily", from: "25:00", to: "06:00" } }, "/schedule/from"],
    [{ ...plan, schedule: { kind: "cron", expression: "every day" } }, "/schedule"],
    [{ ...plan, schedule: { kind: "cron", expression: "0 0 30 2 *" } }, "/schedule"],
    [{ ...plan, schedule: { kind: "cron", expression: "* * * * *", spread_minutes: 5 } }, "/schedule"],
    [{ ...plan, retention: { keep_daily: 0 } }, "/retention/keep_daily"],
    [{ ...plan, retention: { keep_within: "soon" } }, "/retention/keep_within"],
    [{ ...plan, bandwidth: [{ from: "08:00", to: "18:00", upload_bytes_per_second: 1 }] }, "/bandwidth/0"],
    [{ ...plan, hooks: { before: [{ name: "rm -rf /" }] } }, "/hooks/before/0/name"],
    [{ ...plan, hooks: { before: [{ name: "stop-db", timeout_seconds: 0 }] } }, "/hooks/before/0/timeout_seconds"],
    [{ ...plan, agent_ids: [randomUUID()] }, "/agent_ids/0"],
    [{ ...plan, paths: [long] }, "/paths/0"],
  ],
  "POST /api/v1/plans/preview": [
    [{ schedule: { kind: "daily", from: "20:00", to: "06:00" }, time_zone: "Mars/Olympus" }, "/time_zone"],
  ],
  "POST /api/v1/users": [
    [{ email: "nobody", role: "viewer" }, "/email"],
    [{ email: "a@example.com", role: "god" }, "/role"],
  ],
  "POST /api/v1/tenants": [[{ name: "", owner_email: "a@example.com" }, "/name"]],
  "POST /api/v1/api-keys": [
    [{ name: "a", role: "viewer", scopes: [] }, "/scopes"],
    [{ name: "a", role: "viewer", scopes: ["everything"] }, "/scopes/0"],
    [{ name: "a", role: "viewer", expires_in_days: 0.5 }, "/expires_in_days"],
  ],
  "POST /api/v1/session": [[{ email: "nobody", password: "x" }, "/email"]],
  "POST /api/v1/setup": [
    [{ token: "t", tenant_name: "a", name: "a", email: "a@example.com", password: "short" }, "/password"],
  ],
  "POST /api/v1/agents/register": [
    [{ ...registration, time_zone: "Mars/Olympus" }, "/time_zone"],
    [{ ...registration, recipient: "age1" }, "/recipient"],
    [{ ...registration, machine_id: "" }, "/machine_id"],
  ],
};

const agentBodies: typeof bodies = {
  "POST /api/v1/agents/heartbeat": [
    [{ ...heartbeat, wait_seconds: 31 }, "/wait_seconds"],
    [{ ...heartbeat, session_id: "1" }, "/session_id"],
    [{ ...heartbeat, running_jobs: ["1"] }, "/running_jobs/0"],
  ],
  "POST /api/v1/agents/reports": [
    [{ reports: [] }, "/reports"],
    [{ reports: [{ kind: "guess" }] }, "/reports/0/kind"],
    [{ reports: [{ ...started, sequence: -1 }] }, "/reports/0/sequence"],
    [
      { reports: [{ ...started, kind: "log", lines: [{ at: started.at, level: "info", text: long }] }] },
      "/reports/0/lines/0/text",
    ],
  ],
};

describe("bad input", () => {
  test.each(Object.entries(bodies))("%s names what is wrong by its place", async (route, cases) => {
    await expectPointers(route, cases, owner);
  });

  test.each(Object.entries(agentBodies))("%s names what is wrong by its place", async (route, cases) => {
    await expectPointers(route, cases, { bearer: agent.credential });
  });

  async function expectPointers(route: string, cases: readonly (readonly [unknown, string])[], who: Credential) {
    const [method = "", path = ""] = route.split(" ");
    for (const [body, pointer] of cases) {
      const answer = await world.call(who, method, path, body);
      expect(answer.status, JSON.stringify(body)).toBe(400);
      const pointers = problem.parse(answer.body).errors?.map((error) => error.pointer) ?? [];
      expect(
        pointers.some((each) => each === pointer || each.startsWith(`${pointer}/`)),
        JSON.stringify(answer.body),
      ).toBe(true);
    }
  }

  const pages = ["agents", "plans", "jobs", "snapshots", "repositories", "users", "api-keys", "audit"];
  test.each(pages)("a cursor that the list of %s never gave is refused", async (list) => {
    const wrong = [
      "what",
      Buffer.from("{}").toString("base64url"),
      Buffer.from('["2030-01-01T00:00:00Z","x; drop table jobs"]').toString("base64url"),
      Buffer.from('["yesterday","0b6d5f3e-5a52-4f0c-9a2b-1f2f0c7f6d11"]').toString("base64url"),
    ];
    for (const cursor of wrong) {
      const answer = await world.call(owner, "GET", `/api/v1/${list}?cursor=${cursor}`);
      // A list by name takes any text for a name.
      if (answer.status !== 200) expect(problem.parse(answer.body).errors?.[0]?.pointer).toBe("/cursor");
      expect([200, 400]).toContain(answer.status);
    }
    expect((await world.call(owner, "GET", `/api/v1/${list}?cursor=what`)).status).toBe(400);
  });

  test.each([
    ["GET", "/api/v1/agents/not-an-id", 400],
    ["GET", "/api/v1/jobs/not-an-id", 400],
    ["GET", "/api/v1/jobs?limit=0", 400],
    ["GET", "/api/v1/jobs?limit=501", 400],
    ["GET", "/api/v1/jobs?limit=1e9", 400],
    ["GET", "/api/v1/jobs?agent=typo", 400],
    ["GET", "/api/v1/jobs?state=sleeping", 400],
    ["GET", "/api/v1/agents?limit=1001", 400],
    ["GET", "/api/v1/agents?state=lost", 400],
    ["GET", "/api/v1/plans?enabled=perhaps", 400],
    ["GET", "/api/v1/snapshots/latest", 400],
    ["GET", `/api/v1/agents/${randomUUID()}`, 404],
    ["GET", `/api/v1/jobs/${randomUUID()}`, 404],
    ["GET", `/api/v1/plans/${randomUUID()}`, 404],
    ["GET", `/api/v1/repositories/${randomUUID()}`, 404],
    ["GET", `/api/v1/repositories/${randomUUID()}/usage`, 404],
    ["GET", `/api/v1/snapshots/${"ab".repeat(32)}`, 404],
    ["GET", `/api/v1/backup/${randomUUID()}/snapshots`, 404],
    ["POST", `/api/v1/agents/${randomUUID()}/revoke`, 404],
    ["POST", `/api/v1/jobs/${randomUUID()}/cancel`, 404],
    ["POST", `/api/v1/jobs/${randomUUID()}/retry`, 404],
    ["DELETE", `/api/v1/plans/${randomUUID()}`, 404],
    ["DELETE", `/api/v1/users/${randomUUID()}`, 404],
    ["DELETE", `/api/v1/api-keys/${randomUUID()}`, 404],
    ["GET", "/api/v1/elsewhere", 404],
    ["DELETE", "/api/v1/jobs", 405],
    ["PUT", "/health", 405],
  ])("%s %s is answered with %i as a problem", async (method, path, status) => {
    const answer = await world.call(owner, method, path);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(problem.parse(answer.body)).toMatchObject({ status, type: "about:blank" });
  });

  test("a wrong method is told which ones there are", async () => {
    const answer = await world.call(owner, "DELETE", `/api/v1/agents/${agent.agentId}`);
    expect(answer.headers.get("allow")).toBe("GET, HEAD, PATCH");
  });

  test("a body that is no JSON, of another type, or too large is refused", async () => {
    const path = "/api/v1/agents/provision";
    const cookie = owner !== undefined && "cookie" in owner ? owner.cookie : "";
    const sendBody = async (body: string, type: string) =>
      (await send(server.httpUrl, "POST", path, { body, headers: { "content-type": type, cookie } })).status;
    expect(await sendBody("{", "application/json")).toBe(400);
    expect(await sendBody('{"__proto__": {"administrator": true}}', "application/json")).toBe(400);
    expect(await sendBody("<agent/>", "text/xml")).toBe(415);
    expect(await sendBody(`"${"a".repeat(1024 * 1024)}"`, "application/json")).toBe(413);
  });

  test("a text with the character NUL is refused, wherever it is", async () => {
    for (const body of [
      { ...plan, name: "a\0b" },
      { ...plan, paths: ["/a\0b"] },
      { ...plan, agent_tags: ["a\0b"] },
    ]) {
      expect((await world.call(owner, "POST", "/api/v1/plans", body)).status).toBe(400);
    }
    expect((await world.call(owner, "GET", "/api/v1/agents?tag=%00")).status).toBe(400);
  });

  test("who asks comes before what is asked: bad input of nobody is 401", async () => {
    expect((await world.call(undefined, "POST", "/api/v1/backup", { wrong: true })).status).toBe(401);
    expect((await world.call(undefined, "GET", "/api/v1/agents/not-an-id")).status).toBe(401);
  });

  test("an order for a machine that hasn't enrolled, or was revoked, is refused: nobody would take it", async () => {
    const provisioned = await world.call(owner, "POST", "/api/v1/agents/provision", { hostname: "later" });
    const { agent_id } = z.object({ agent_id: z.uuid() }).parse(provisioned.body);
    const revoked = await world.newAgent("revoked");
    await world.call(owner, "POST", `/api/v1/agents/${revoked.agentId}/revoke`);
    for (const id of [agent_id, revoked.agentId]) {
      expect((await world.call(owner, "POST", "/api/v1/backup", { agent_id: id, paths: ["/"] })).status).toBe(409);
    }
  });

  test("a restore of a snapshot that isn't in the repository is refused, and so is another machine's without its password", async () => {
    const other = await world.newAgent("other");
    const snapshot_id = await world.newSnapshot(agent);
    const restore = async (body: object) => {
      const answer = await world.call(owner, "POST", "/api/v1/restore", body);
      return [answer.status, problem.safeParse(answer.body).data?.errors?.[0]?.pointer];
    };
    expect(await restore({ agent_id: agent.agentId, snapshot_id: "ab".repeat(32) })).toEqual([400, "/snapshot_id"]);
    expect(await restore({ agent_id: other.agentId, snapshot_id })).toEqual([400, "/snapshot_id"]);
    const repository_id = agent.repositoryId;
    expect(await restore({ agent_id: other.agentId, repository_id, snapshot_id })).toEqual([400, "/sealed"]);
    expect((await restore({ agent_id: other.agentId, repository_id, snapshot_id, sealed: "AAAA" }))[0]).toBe(202);
  });
});

test("an agent that tells neither its zone nor a recipient is let in: its plans run by UTC, and nothing can be sealed to it", async () => {
  const provisioned = await world.call(owner, "POST", "/api/v1/agents/provision", { hostname: "plain" });
  const { enrolment } = z.object({ enrolment: z.object({ token: z.string() }) }).parse(provisioned.body);
  const { time_zone: _zone, recipient: _recipient, ...plain } = registration;
  const answer = await world.call(undefined, "POST", "/api/v1/agents/register", { ...plain, token: enrolment.token });
  const registered = z.object({ agent_id: z.uuid(), credential: z.string() }).parse(answer.body);
  const { time_zone: _also, ...beat } = heartbeat;
  const identity = { hostname: "a", machine_id: "a" };
  const credential = { bearer: registered.credential };
  expect((await world.call(credential, "POST", "/api/v1/agents/heartbeat", { ...beat, ...identity })).status).toBe(200);
  const { body } = await world.call(owner, "GET", `/api/v1/agents/${registered.agent_id}`);
  expect(body).toMatchObject({ state: "online", time_zone: "UTC", recipient: null });
});

describe("credentials", () => {
  test("a revoked credential opens nothing from the next request on, the gateway included", async () => {
    const gone = await world.newAgent("gone");
    const who = { bearer: gone.credential };
    expect((await world.call(who, "GET", `/restic/${gone.repositoryId}/keys/`)).status).not.toBe(401);
    await world.call(owner, "POST", `/api/v1/agents/${gone.agentId}/revoke`);
    for (const path of [`/api/v1/backup/${gone.agentId}/snapshots`, `/restic/${gone.repositoryId}/config`]) {
      expect((await world.call(who, "GET", path)).status).toBe(401);
    }
  });

  test("the gateway is for agents and for who may use repositories, and knows no other tenant's", async () => {
    await world.newSnapshot(agent);
    const list = `/restic/${agent.repositoryId}/snapshots/`;
    const statusFor = async (who: Credential) => (await world.call(who, "GET", list)).status;
    expect(await statusFor({ bearer: agent.credential })).toBe(200);
    expect(await statusFor(owner)).toBe(200);
    expect(await statusFor(world.people.viewer)).toBe(403);
    expect(await statusFor(world.people.operator)).toBe(403);
    expect(await statusFor(world.stranger)).toBe(404);
    expect((await world.call(world.stranger, "POST", `/restic/${agent.repositoryId}/?create=true`)).status).toBe(404);
    expect(await statusFor(undefined)).toBe(401);
  });

  test("a new credential works, and the old one until the new one is first used", async () => {
    const rotating = await world.newAgent("rotating");
    const path = `/api/v1/backup/${rotating.agentId}/snapshots`;
    const rotate = async () => {
      const answer = await world.call({ bearer: rotating.credential }, "POST", "/api/v1/agents/credential", {});
      return z.object({ credential: z.string() }).parse(answer.body).credential;
    };
    const statusWith = async (bearer: string) => (await world.call({ bearer }, "GET", path)).status;
    const lost = await rotate();
    const next = await rotate();
    expect(await statusWith(rotating.credential)).toBe(200);
    expect(await statusWith(lost)).toBe(401);
    expect(await statusWith(next)).toBe(200);
    expect(await statusWith(rotating.credential)).toBe(401);
  });

  test("an answer to nobody asks for a credential", async () => {
    const answer = await world.call(undefined, "GET", "/metrics");
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="SaveOS"');
  });

  test("the API takes a credential as the password of HTTP Basic too", async () => {
    const { key } = await world.newKey("viewer");
    const basic = Buffer.from(`anyone:${key}`).toString("base64");
    const answer = await send(server.httpUrl, "GET", "/metrics", { headers: { authorization: `Basic ${basic}` } });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('saveos_agents{state="revoked"}');
  });

  test("after many wrong credentials an address is told to wait, and a right one still works", async () => {
    const statuses: number[] = [];
    const wrong = { bearer: `${agent.credential.slice(0, -2)}zz` };
    for (let i = 0; i < 25; i += 1) statuses.push((await world.call(wrong, "GET", "/metrics")).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await world.call(owner, "GET", "/metrics")).status).toBe(200);
  });
});
