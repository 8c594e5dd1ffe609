import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildAgent } from "../../scripts/build-agent.ts";
import { packageAgent } from "../../scripts/package-agent.ts";
import { startServer } from "../../apps/server/src/testing/start-server.ts";
import { run } from "../support/run.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("a machine downloads the agent, unpacks it with its own tar, and backs up and restores with it", async () => {
  await using temp = await tempFolder();
  const dist = join(temp.path, "dist");
  await buildAgent(dist);
  await packageAgent(dist);
  await using server = await startServer({ environment: { SAVEOS_AGENT_DIR: dist } });
  const platform = process.platform === "darwin" ? "macos" : "linux";
  const response = await fetch(new URL(`/download/agent/${platform}`, server.httpUrl), {
    headers: { authorization: `Bearer ${await server.createApiKey()}` },
  });
  expect(response.status).toBe(200);
  await writeFile(join(temp.path, "agent.tar.gz"), Buffer.from(await response.arrayBuffer()));
  expect(await run("tar", ["-xzf", "agent.tar.gz"], { cwd: temp.path })).toMatchObject({ code: 0, stderr: "" });

  const folder = join(temp.path, "saveos-agent");
  expect(await readFile(join(folder, "README.md"), "utf8")).toContain("saveos-agent.js register");
  expect(await readFile(join(folder, "LICENSE"), "utf8")).toContain("GNU AFFERO GENERAL PUBLIC LICENSE");
  const env = {
    RESTIC_PASSWORD: "secret",
    SAVEOS_HOME: join(temp.path, "home"),
    RESTIC_REPOSITORY: join(temp.path, "r"),
  };
  const agent = async (...args: string[]) => {
    const result = await run(process.execPath, [join(folder, "saveos-agent.js"), ...args], { cwd: temp.path, env });
    expect(result, result.stderr).toMatchObject({ code: 0 });
    return result.stdout;
  };
  expect(await agent("version")).toMatch(/^saveos-agent \d+\.\d+\.\d+ on Node /);
  await mkdir(join(temp.path, "source"));
  await writeFile(join(temp.path, "source/note.txt"), "hello");
  await agent("init");
  await agent("backup", join(temp.path, "source"));
  await agent("restore", "latest", "--target", join(temp.path, "back"));
  expect(await readFile(join(temp.path, "back", temp.path, "source/note.txt"), "utf8")).toBe("hello");
});
