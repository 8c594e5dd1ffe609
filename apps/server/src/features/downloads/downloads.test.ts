import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { problem, provisionResponse } from "@saveos/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeSecret } from "../../access/secrets.ts";
import { testRecipient } from "../../testing/enrol-agent.ts";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { type Credential, headersOf, tenantFixture, type TenantFixture } from "../../testing/tenant-fixture.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";

let databases: TestDatabases;
let fresh: FreshServer;
let clock: TestClock;
let world: TenantFixture;
let folder: string;
let agentFolder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "saveos-test-"));
  agentFolder = join(folder, "dist");
  databases = await startTestDatabases();
  clock = testClock(new Date().toISOString());
  fresh = await startFreshServer(databases, { clock, environment: { SAVEOS_AGENT_DIR: agentFolder } });
  world = await tenantFixture(fresh.server);
});
beforeEach(async () => await build("console.log('the agent')"));
afterAll(async () => {
  await fresh[Symbol.asyncDispose]();
  await databases.stop();
  await rm(folder, { recursive: true });
});

/** What a build leaves behind, in small. */
async function build(program: string): Promise<void> {
  await rm(agentFolder, { recursive: true, force: true });
  const files = {
    "saveos-agent.js": program,
    "README.md": "Read me.",
    "node_modules/koffi/index.js": "export {};",
    "node_modules/@koromix/koffi-linux-x64/koffi.node": "for Linux",
    "node_modules/@koromix/koffi-darwin-arm64/koffi.node": "for macOS",
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(agentFolder, name)), { recursive: true });
    await writeFile(join(agentFolder, name), text);
  }
}

async function download(who: Credential, platform = "linux", headers: Record<string, string> = {}) {
  const response = await fetch(new URL(`/download/agent/${platform}`, world.url), {
    headers: { ...headersOf(who), ...headers },
  });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

async function statusFor(who: Credential): Promise<number> {
  return (await download(who)).status;
}

/** The archive's files, as the real `tar` lists them. */
async function listed(platform: string): Promise<string[]> {
  const file = join(folder, "listed.tar.gz");
  await writeFile(file, (await download(world.people.owner, platform)).bytes);
  const { stdout } = await promisify(execFile)("tar", ["-tzf", file]);
  return stdout.trimEnd().split("\n").toSorted();
}

async function newToken(): Promise<string> {
  const made = await world.call(world.people.owner, "POST", "/api/v1/agents/provision", {
    hostname: "new",
    expires_in_hours: 1,
  });
  return provisionResponse.parse(made.body).enrolment.token;
}

async function enrol(token: string): Promise<number> {
  const facts = { agent_version: "1", machine_id: "m", time_zone: "UTC", recipient: testRecipient };
  const body = { token, hostname: "new", platform: "linux", ...facts };
  return (await world.call(undefined, "POST", "/api/v1/agents/register", body)).status;
}

test("the archive holds the build in one folder, with the add-on of its own platform only", async () => {
  const { headers } = await download(world.people.owner);
  expect(headers.get("content-type")).toBe("application/gzip");
  expect(headers.get("content-disposition")).toMatch(/^attachment; filename="saveos-agent-[\d.]+-linux\.tar\.gz"$/);
  const everywhere = ["README.md", "node_modules/koffi/index.js", "saveos-agent.js"];
  const of = (...more: string[]) => [...more, ...everywhere].map((name) => `saveos-agent/${name}`).toSorted();
  expect(await listed("linux")).toEqual(of("node_modules/@koromix/koffi-linux-x64/koffi.node"));
  expect(await listed("macos")).toEqual(of("node_modules/@koromix/koffi-darwin-arm64/koffi.node"));
  expect(await listed("windows")).toEqual(of());
});

test("it is for who may enrol machines, and for agents", async () => {
  const { owner, administrator, operator, viewer } = world.people;
  for (const who of [owner, administrator]) expect(await statusFor(who)).toBe(200);
  for (const who of [operator, viewer]) expect(await statusFor(who)).toBe(403);
  expect(await statusFor({ bearer: (await world.newKey("owner", ["agents:provision"])).key })).toBe(200);
  expect(await statusFor({ bearer: (await world.newKey("owner", ["agents:read"])).key })).toBe(403);
  expect(await statusFor({ bearer: (await world.newAgent("machine")).credential })).toBe(200);
  expect(await statusFor(undefined)).toBe(401);
});

test("a machine that is about to enrol gets it with its token, which is not spent by that", async () => {
  const token = await newToken();
  expect([await statusFor({ bearer: token }), await statusFor({ bearer: token })]).toEqual([200, 200]);
  expect(await enrol(token)).toBe(201);
});

test("a token that was used, has expired or never was opens nothing", async () => {
  const used = await newToken();
  await enrol(used);
  const expired = await newToken();
  clock.advance({ hours: 1 });
  const near = `${(await newToken()).slice(0, -43)}${makeSecret("enrol").text.slice(-43)}`;
  for (const bearer of [used, expired, near, makeSecret("enrol").text, makeSecret("invite").text]) {
    expect(await statusFor({ bearer })).toBe(401);
  }
});

test("who has the newest is told so, and gets the next build without a new start of the server", async () => {
  const first = await download(world.people.owner);
  const etag = first.headers.get("etag") ?? "";
  expect(first.headers.get("cache-control")).toBe("private, no-cache");
  const again = await download(world.people.owner, "linux", { "if-none-match": etag });
  expect([again.status, again.bytes.length, again.headers.get("etag")]).toEqual([304, 0, etag]);
  await build("console.log('the next agent')");
  const next = await download(world.people.owner, "linux", { "if-none-match": etag });
  expect(next.status).toBe(200);
  expect(next.headers.get("etag")).not.toBe(etag);
});

test("the same build is the same archive, on whichever server and whenever it was built", async () => {
  const first = await download(world.people.owner);
  await build("console.log('the agent')");
  const second = await download(world.people.owner);
  expect(second.headers.get("etag")).toBe(first.headers.get("etag"));
  expect(second.bytes.equals(first.bytes)).toBe(true);
});

test("a server on which no agent was built says what to do", async () => {
  await rm(agentFolder, { recursive: true });
  const { status, bytes } = await download(world.people.owner);
  expect(status).toBe(503);
  expect(problem.parse(JSON.parse(bytes.toString("utf8"))).detail).toContain("npm run build");
  expect(await statusFor(undefined), "which nobody else learns").toBe(401);
  await build("console.log('the agent')");
  expect(await statusFor(world.people.owner)).toBe(200);
});

test.each(["amiga", "..%2f..%2fetc", "Linux"])("the platform %s is refused", async (platform) => {
  expect((await download(world.people.owner, platform)).status).toBe(400);
});
