import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { administratorOf } from "../support/administrator.ts";
import { agentAt, register, secretsOf } from "../support/saveos-agent.ts";
import { serverProcess } from "../support/server-process.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/** Everything that a server writes down is searched for what it must not know: objects, tables, journal, logs. */
describe("a server that has taken backups, shown files and failed at some", () => {
  let temp: TempFolder;
  let written: Map<string, Buffer>;
  let printed: string;
  const secret = {
    fileName: `Kündigung-${randomBytes(12).toString("hex")}.txt`,
    content: `The content is ${randomBytes(12).toString("hex")}, and nobody else's business.`,
    password: "",
    credential: "",
  };
  const tag = `tag-${randomBytes(12).toString("hex")}`;

  beforeAll(async () => {
    temp = await tempFolder();
    const dataFolder = join(temp.path, "data");
    await using server = await serverProcess(dataFolder, { SAVEOS_LOG_LEVEL: "trace" });
    const running = await server.start();
    const administrator = administratorOf({ server, apiKey: await server.createApiKey() });
    const agent = agentAt(join(temp.path, "machine"));
    const { agentId, enrolment } = await administrator.provision({ tags: [tag] });
    await register(agent, enrolment);
    const secrets = await secretsOf(agent);
    secret.password = secrets.repository_password;
    secret.credential = secrets.credential;

    const source = join(temp.path, "source");
    await mkdir(source);
    await writeFile(join(source, secret.fileName), secret.content);
    await agent("backup", source);
    await agent("--compression", "off", "backup", source, "--force");
    await agent("dump", "latest", join(source, secret.fileName));
    await agent("find", secret.fileName);
    await using daemon = agent.start("daemon");
    for (const paths of [[source], [source, `/proc/${process.pid}/mem`]])
      await administrator.untilJob(await administrator.orderBackup({ agent_id: agentId, paths }));
    await daemon.stop();
    const { stdout, stderr } = await running.stop();
    printed = stdout + stderr;
    written = await everythingBelow(dataFolder);
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test("what it may know is found, so that the search means something", () => {
    expect(placesOf(tag)).toContainEqual(expect.stringContaining("postgres"));
    expect(printed).toContain("/restic/");
    expect([...written.keys()].filter((path) => path.includes("/snapshots/")).length).toBeGreaterThan(2);
  });

  test.each(["fileName", "content", "password", "credential"] as const)("it has not written down any %s", (kind) => {
    expect(secret[kind].length).toBeGreaterThan(20);
    for (const form of formsOf(secret[kind])) expect(placesOf(form), form).toEqual([]);
  });

  function placesOf(text: string): string[] {
    const found = [...written].filter(([, bytes]) => bytes.includes(text)).map(([path]) => path);
    return printed.includes(text) ? [...found, "what it printed"] : found;
  }
});

/** As it is, and as programs write what they don't show as it is. */
function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  return [
    text,
    bytes.toString("hex"),
    bytes.toString("base64").slice(0, -4),
    bytes.toString("base64url").slice(0, -4),
    encodeURIComponent(text),
  ];
}

async function everythingBelow(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path, Buffer.concat(await Array.fromAsync(createReadStream(path) as AsyncIterable<Buffer>)));
  }
  return files;
}
