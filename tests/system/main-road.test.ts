import { appendFile, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { type Manifest, manifestOf } from "../support/manifest.ts";
import { describeWith } from "../support/missing-peers.ts";
import { fillWithEverything, noise } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent, secretsOf } from "../support/saveos-agent.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/** Where a repository's own polynomial cuts is chance, but no chunk is longer than this (restic-format, chunks). */
const chunkMaxBytes = 8 * 1024 * 1024;
/** More than two chunks, so that what is sent again can never be taken for the whole file. */
const longFileBytes = 20_000_000;

/** One story, told in order: a machine enrols, backs up twice, is lost, and another machine brings everything back. */
describeWith(["extended attributes"], "from one machine to another, through the server", () => {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;
  let agent: SaveosAgent;
  let source: string;
  let agentId: string;
  const manifests: Manifest[] = [];

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer();
    administrator = administratorOf(saveos);
    agent = agentAt(join(temp.path, "machine"));
    source = join(temp.path, "source");
    await fillWithEverything(source);
    await writeFile(join(source, "big/appended.bin"), noise(longFileBytes, 2));
  });
  afterAll(async () => {
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  test("the machine enrols with the file that an administrator got for it", async () => {
    const provisioned = await administrator.provision({ tags: ["accounting"] });
    agentId = provisioned.agentId;
    expect((await administrator.agent(agentId)).state).toBe("provisioned");
    await register(agent, provisioned.enrolment);
    expect((await lstat(join(agent.home, "secrets.json"))).mode & 0o777).toBe(0o600);
    expect(await agent.json("status")).toMatchObject([
      { enrolled: true, agent_id: agentId, repository_ready: true, server_reachable: true, snapshots: 0 },
    ]);
    expect(await administrator.agent(agentId)).toMatchObject({ tags: ["accounting"], last_snapshot_at: null });
  });

  test("its first backup sends everything", async () => {
    manifests.push(await manifestOf(source));
    const summary = (await agent.json("backup", source)).at(-1);
    expect(summary).toMatchObject({ message_type: "summary", files_changed: 0, files_unmodified: 0 });
    expect((summary as { data_added: number }).data_added).toBeGreaterThan(longFileBytes);
  });

  test("its second backup sends what changed, and little more", async () => {
    await writeFile(join(source, "notes.txt"), "second\n");
    await appendFile(join(source, "big/appended.bin"), "and a little more");
    await mkdir(join(source, "new folder"));
    await rm(join(source, "empty"));
    manifests.push(await manifestOf(source));
    const summary = (await agent.json("backup", source)).at(-1) as Record<string, number>;
    expect(summary).toMatchObject({ files_new: 0, files_changed: 2, dirs_new: 1 });
    expect(summary["data_added"]).toBeLessThan(chunkMaxBytes + 100_000);
  });

  test("it lists, finds, counts and prints what it has backed up", async () => {
    const snapshots = (await agent.json("snapshots")).flat() as { id: string; paths: string[] }[];
    expect(snapshots.map(({ paths }) => paths)).toEqual([[source], [source]]);
    const [snapshot, ...nodes] = (await agent.json("ls", "latest", join(source, "links"))) as { path: string }[];
    expect(snapshot).toMatchObject({ id: snapshots[1]?.id });
    expect(nodes.map(({ path }) => path)).toContain(join(source, "links/relative"));
    expect((await agent.json("find", "noise.bin")).flat()).toMatchObject([{ hits: 1 }, { hits: 1 }]);
    const [stats] = (await agent.json("stats", "latest")) as { total_size: number }[];
    expect(stats?.total_size).toBeGreaterThan(50_000_000);
    expect(await agent("dump", "latest", join(source, "notes.txt"))).toBe("second\n");
    expect(await agent("dump", snapshots[0]?.id ?? "", join(source, "notes.txt"))).toBe("first\n");
    await agent("check", "--read-data");
  });

  test("the server knows when each snapshot came, and what the machine's backups add up to", async () => {
    const known = await administrator.snapshots(agentId);
    const own = (await agent.json("snapshots")).flat() as { id: string }[];
    expect(known.map(({ id }) => id).toSorted()).toEqual(own.map(({ id }) => id).toSorted());
    for (const { received_at, stored_bytes } of known) {
      expect(Math.abs(Date.now() - Date.parse(received_at))).toBeLessThan(600_000);
      expect(stored_bytes).toBeGreaterThan(0);
    }
  });

  test("the machine is lost, and another that takes over its repository brings back both states, bit for bit", async () => {
    const { repository_password: password } = await secretsOf(agent);
    const [first] = (await agent.json("snapshots")).flat() as { id: string }[];
    const { repository_id: repositoryId } = await administrator.agent(agentId);
    await rm(agent.home, { recursive: true });
    await rm(source, { recursive: true });

    const provisioned = await administrator.provision({ repository_id: repositoryId ?? "" });
    const successor = agentAt(join(temp.path, "successor"));
    const passwordFile = join(temp.path, "password");
    await writeFile(passwordFile, password);
    await register(successor, provisioned.enrolment, "--repository-password-file", passwordFile);
    for (const [i, snapshot] of [first?.id ?? "", "latest"].entries()) {
      const target = join(temp.path, `back-${i}`);
      await successor("restore", snapshot, "--target", target, "--verify");
      expect(await manifestOf(join(target, source))).toEqual(manifests[i]);
    }
  });
});
