import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../../testing/api-client.ts";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { setUpServer } from "../../testing/people.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";

let databases: TestDatabases;
let world: FreshServer;

beforeAll(async () => {
  databases = await startTestDatabases();
  world = await startFreshServer(databases);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await databases.stop();
});

async function page(path: string, language = "en") {
  return await send(world.server.httpUrl, "GET", path, { headers: { "accept-language": language } });
}

test.each(["/setup", "/invitation"])("%s speaks both languages and has all its words", async (path) => {
  for (const language of ["en", "fr"]) {
    const { status, headers, body } = await page(path, language);
    expect(status).toBe(200);
    expect(headers.get("content-language")).toBe(language);
    expect(headers.get("vary")).toBe("accept-language");
    expect(body).toContain(`<html lang="${language}">`);
    expect(body).not.toMatch(/\{\{|\/\* [\w-]+\.(?:css|js) \*\//);
  }
});

test.each(["/setup", "/invitation"])(
  "%s may run its own script and style and send to this server only",
  async (path) => {
    const { headers, body } = await page(path);
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(body).not.toMatch(/https?:\/\/|\son\w+=|\sstyle=/);
  },
);

test("the set-up page of a server that is set up says so and asks for nothing", async () => {
  expect((await page("/setup")).body).toContain("Set up this server");
  await setUpServer(world.server.httpUrl, world.server.setUpLink ?? "");
  const { body } = await page("/setup");
  expect(body).toContain("This server is set up already");
  expect(body).not.toContain("Set up this server");
});
