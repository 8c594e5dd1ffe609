import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { summaries } from "../../apps/agent/src/cli/summaries.ts";
import { password } from "../support/engine.ts";
import { installAgent } from "../support/install-agent.ts";
import { manifestOf } from "../support/manifest.ts";
import { describeWith } from "../support/missing-peers.ts";
import { resticOn } from "../support/restic.ts";
import { noise, prose } from "../support/sample-tree.ts";
import { agentAt, type SaveosAgent } from "../support/saveos-agent.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/** One story, told in order. The agent is away from its sources, and each of its threads writes down what it loads. */
describeWith(["restic", "extended attributes"], "the built agent", () => {
  let temp: TempFolder;
  let program: string;
  let agent: SaveosAgent;
  let repository: string;
  let source: string;

  beforeAll(async () => {
    temp = await tempFolder();
    repository = join(temp.path, "repository");
    source = join(temp.path, "source");
    await mkdir(source);
    await writeFile(join(source, "noise"), noise(40_000_000, 1));
    for (let i = 0; i < 300; i++) await writeFile(join(source, `${i}.txt`), prose(i * 100, i));
    program = await installAgent(temp.path);
    await writeFile(join(temp.path, "recorder.mjs"), recorder);
    agent = agentAt(join(temp.path, "home"), {
      program,
      env: {
        RESTIC_REPOSITORY: repository,
        RESTIC_PASSWORD: password,
        NODE_OPTIONS: `--import=${join(temp.path, "recorder.mjs")}`,
        RECORD: join(temp.path, "record"),
      },
    });
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test("backs up, checks and restores every byte", async () => {
    await agent("init");
    await agent("backup", source);
    await agent("check", "--read-data");
    await agent("restore", "latest", "--target", join(temp.path, "back"));
    expect(await manifestOf(join(temp.path, "back", source))).toEqual(await manifestOf(source));
  });

  test("writes what stock restic accepts", async () => {
    await resticOn(repository, password)("check", "--read-data");
  });

  test("has loaded nothing but its own files and the native add-on", async () => {
    const elsewhere = (await loaded()).filter(
      ({ url }) => !url.startsWith(`${pathToFileURL(dirname(program)).href}/`) && !isOfKoffi(url),
    );
    expect(elsewhere).toEqual([]);
  });

  // With one core there are no other threads.
  test.skipIf(availableParallelism() === 1)(
    "has done so in worker threads too: for listing, the backup and the restore",
    async () => {
      const inWorkers = (await loaded()).filter(({ thread }) => thread > 0).map(({ url }) => basename(url));
      expect(inWorkers).toEqual(expect.arrayContaining(["list-worker.js", "lane-worker.js", "restore-worker.js"]));
    },
  );

  test("keeps what Node compiled in its cache folder", async () => {
    expect(await readdir(join(agent.home, "cache/compiled"))).not.toEqual([]);
  });

  test("ends with 10 when there is no repository, and says where", async () => {
    const { code, stderr } = await agent.attempt("-r", join(temp.path, "nothing"), "snapshots");
    expect(code).toBe(10);
    expect(stderr).toContain(join(temp.path, "nothing"));
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each(["--help", "version", ...Object.keys(summaries).map((name) => `${name} --help`)])(
    "says what the sources say: %s",
    async (line) => {
      const fromSources = agentAt(join(temp.path, "home-of-sources"));
      expect(await agent(...line.split(" "))).toBe(await fromSources(...line.split(" ")));
    },
  );

  async function loaded(): Promise<{ thread: number; url: string }[]> {
    const lines = (await readFile(join(temp.path, "record"), "utf8")).trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as { thread: number; url: string });
  }
});

/** Node runs it in each thread before anything else. */
const recorder = `
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { threadId } from "node:worker_threads";

registerHooks({
  load(url, context, next) {
    if (!url.startsWith("node:")) appendFileSync(process.env.RECORD, JSON.stringify({ thread: threadId, url }) + "\\n");
    return next(url, context);
  },
});
`;

function isOfKoffi(url: string): boolean {
  return /\/node_modules\/(koffi|@koromix)\//.test(url);
}
