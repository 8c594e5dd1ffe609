import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSecret } from "./access/secrets.ts";
import { send } from "./testing/api-client.ts";
import { version } from "./version.ts";

/** Each of these starts one or more programs, on a machine that may be busy. */
const timeout = 60_000;

const program = join(import.meta.dirname, "cli.ts");
let dataFolder: string;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "saveos-test-"));
});
afterAll(async () => await rm(dataFolder, { recursive: true, force: true }));

function start(
  args: readonly string[],
  environment: Record<string, string> = {},
): ChildProcessByStdio<null, Readable, Readable> {
  const ports = { SAVEOS_HTTPS_PORT: "0", SAVEOS_HTTP_PORT: "0", SAVEOS_LISTEN: "127.0.0.1" };
  const env = { PATH: process.env["PATH"] ?? "", SAVEOS_DATA_DIR: dataFolder, ...ports, ...environment };
  return spawn(process.execPath, [program, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
}

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const child = start(args, environment);
  const ended = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  return { code, stdout, stderr };
}

/** Starts a server and reads its greeting. */
async function serve() {
  const child = start(["start"]);
  const exited = once(child, "exit");
  let greeting = "";
  for await (const piece of child.stdout) {
    greeting += String(piece);
    const httpUrl = /http:\/\/localhost:\d+/.exec(greeting)?.[0];
    if (httpUrl !== undefined && greeting.includes(dataFolder)) return { child, exited, greeting, httpUrl };
  }
  throw new TypeError(`the server ended before it was ready: ${greeting}`);
}

test("a key can be made before the first start, and is alone on stdout", { timeout }, async () => {
  const { code, stdout, stderr } = await run(["create-api-key", "--name", "laptop"]);
  expect(code).toBe(0);
  expect(readSecret(stdout.trimEnd())).toMatchObject({ kind: "key" });
  expect(stdout.split("\n")).toHaveLength(2);
  expect(stderr).toContain("revoke-api-key");
});

test(
  "keys are made, listed and revoked while the server runs, and a SIGTERM ends it in order",
  { timeout },
  async () => {
    const server = await serve();
    const key = (
      await run(["create-api-key", "--name", "while\u001b[31m running", "--expires-in-days", "7"])
    ).stdout.trimEnd();
    const ask = async () => (await send(server.httpUrl, "GET", "/api/v1/agents", { credential: key })).status;
    expect(await ask()).toBe(200);
    const id = readSecret(key)?.id ?? "";
    const listed = (await run(["list-api-keys"])).stdout;
    expect(listed).toMatch(new RegExp(`${id} +works .* while\\?\\[31m running`));
    expect(listed).not.toContain(key.slice(-43));
    expect((await run(["revoke-api-key", id])).code).toBe(0);
    expect(await ask()).toBe(401);
    expect((await run(["list-api-keys"])).stdout).toMatch(new RegExp(`${id} +revoked`));
    server.child.kill("SIGTERM");
    expect(await server.exited).toEqual([0, null]);
  },
);

test("a second server on one data folder is refused in two lines", { timeout }, async () => {
  const server = await serve();
  const { code, stdout, stderr } = await run(["start"]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^saveos-server: Another SaveOS process uses .*\n.*SAVEOS_DATA_DIR\.\n$/);
  server.child.kill("SIGINT");
  expect(await server.exited).toEqual([0, null]);
});

test("a server that nobody administers prints the link that makes the first account", { timeout }, async () => {
  await rm(dataFolder, { recursive: true });
  const server = await serve();
  server.child.kill("SIGTERM");
  await server.exited;
  expect(server.greeting).toMatch(/http:\/\/localhost:\d+\/setup#saveos_invite_/);
});

test(
  "a new set-up link is printed while the server runs, and the older one opens nothing any more",
  { timeout },
  async () => {
    const server = await serve();
    const older = /#(saveos_invite_\S+)/.exec(server.greeting)?.[1];
    const printed = await run(["setup-link"]);
    expect(printed.stderr).toBe("");
    const newer = new URL(printed.stdout.trimEnd()).hash.slice(1);
    const setUp = async (token: string | undefined) => {
      const person = { name: "Olivia", email: "owner@example.com", password: "correct horse battery staple" };
      const body = { token, tenant_name: "Bakery", ...person };
      return (await send(server.httpUrl, "POST", "/api/v1/setup", { body })).status;
    };
    expect(await setUp(older)).toBe(401);
    expect(await setUp(newer)).toBe(201);
    const again = await run(["setup-link"]);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain("set up already");
    server.child.kill("SIGTERM");
    await server.exited;
  },
);

test.each([
  [["dance"], "There is no command dance"],
  [["create-api-key", "--expires-in-days", "soon"], "--expires-in-days"],
  [["create-api-key", "--colour", "red"], "--colour"],
  [["revoke-api-key"], "takes the id of a key"],
  [["start", "now"], "now"],
])("%j is refused in one clear sentence", { timeout }, async (args, said) => {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain(said);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test.each([
  ["a wrong setting", { SAVEOS_HTTPS_PORT: "many" }, "SAVEOS_HTTPS_PORT"],
  ["a database that isn't there", { DATABASE_URL: "postgres://user:hunter2@127.0.0.1:1/none" }, "DATABASE_URL"],
])("%s ends the start with one clear sentence and no stack", { timeout }, async (_what, environment, said) => {
  const { code, stdout, stderr } = await run(["start"], environment);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain(said);
  expect(stderr).not.toMatch(/^\s+at |hunter2/m);
});

test("a data folder that can't be made is named", { timeout }, async () => {
  const file = join(dataFolder, "a-file");
  await writeFile(file, "");
  const { code, stderr } = await run(["start"], { SAVEOS_DATA_DIR: join(file, "data") });
  expect(code).toBe(1);
  expect(stderr).toContain(join(file, "data"));
});

test("version and help are said without touching anything", { timeout }, async () => {
  expect((await run(["version"])).stdout).toBe(`${version}\n`);
  expect((await run(["--help"])).stdout).toContain("create-api-key");
  expect((await run([])).stdout).toContain("Example");
});
