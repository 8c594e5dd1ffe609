import { chmod, cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { folderStore } from "@saveos/engine/node";
import { testPassword } from "@saveos/engine/testing";
import { backUp } from "../support/engine.ts";
import { newQuickRepository, openQuickly } from "../support/quick-engine.ts";
import { noise } from "../support/sample-tree.ts";
import { agentAt, type SaveosAgent } from "../support/saveos-agent.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

let pristine: TempFolder;
let temp: TempFolder;
let repository: string;
let agent: SaveosAgent;

beforeAll(async () => {
  pristine = await tempFolder();
  await writeFile(join(pristine.path, "kept"), noise(300_000, 1));
  await writeFile(join(pristine.path, "gone"), noise(200_000, 2));
  const store = folderStore(join(pristine.path, "repository"));
  await newQuickRepository(store);
  for (const name of ["gone", "kept"]) await backUp(await openQuickly(store), [join(pristine.path, name)]);
});
afterAll(async () => await pristine[Symbol.asyncDispose]());

beforeEach(async () => {
  temp = await tempFolder();
  repository = join(temp.path, "repository");
  await cp(join(pristine.path, "repository"), repository, { recursive: true });
  const env = { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: testPassword };
  agent = agentAt(join(temp.path, "home"), { env, cwd: temp.path });
});
afterEach(async () => await temp[Symbol.asyncDispose]());

describe("saveos-agent prune", () => {
  test("says first what it would free, then frees it, and says how much", async () => {
    await forgetFirst();
    expect(await agent("prune", "--dry-run")).toMatch(/^Would free 19\d KiB: \d+ blobs; 2 packs removed, 0 repacked\n/);
    expect(await agent("prune", "-v")).toMatch(/Blobs +Size\n[^]*\nFreed 19\d KiB/);
    expect(await agent("prune")).toMatch(/^There is nothing to remove\n/);
    await agent("check", "--read-data");
  });

  test("tells programs restic's numbers by restic's names", async () => {
    await forgetFirst();
    const [summary] = await agent.json("prune");
    expect(summary).toMatchObject({
      message_type: "summary",
      dry_run: false,
      snapshots: 1,
      blobs: { duplicate: 0, remove: expect.any(Number), repack: 0, repackrm: 0 },
      size: { unref: 0, uncompressed: expect.any(Number) },
      packs: { used: 2, partly_used: 0, unused: 2, unref: 0, keep: 2, repack: 0, remove: 2 },
    });
  });

  test("refuses a repository without snapshots, and says how to insist", async () => {
    for (const id of await readdir(join(repository, "snapshots"))) await rm(join(repository, "snapshots", id));
    const { code, stderr } = await agent.attempt("prune");
    expect([code, stderr]).toEqual([1, expect.stringContaining("--unsafe-allow-remove-all")]);
    await agent("prune", "--unsafe-allow-remove-all");
  });

  test.each([
    ["--max-unused", "lots"],
    ["--max-repack-size", "-1"],
    ["--repack-smaller-than", "1G"],
    ["--repack-uncompressed", "--compression=off"],
  ])("refuses %s %s", async (...flags) => {
    expect((await agent.attempt("prune", ...flags)).code).toBe(1);
  });
});

describe("saveos-agent repair", () => {
  test("makes the index anew", async () => {
    await rm(join(repository, "index"), { recursive: true });
    expect(await agent("repair", "index")).toMatch(/^The index is right again: 4 packs read/);
    expect(await agent("repair", "index")).toMatch(/^The index was right\n/);
    await agent("check", "--read-data");
  });

  test("saves what is left of a pack, keeps a copy of it, and makes its snapshot whole again", async () => {
    const pack = await damagedPack();
    const { stdout } = await agent.attempt("repair", "packs", pack);
    expect(stdout).toMatch(/^0 blobs saved, 1 blob lost\n/);
    expect(await readdir(temp.path)).toContain(`pack-${pack}`);
    expect(await agent("repair", "snapshots", "--dry-run")).toMatch(
      /kept: 300000 of 300000 bytes are lost\nWould repair/,
    );
    const [summary] = (await agent.json("repair", "snapshots", "--forget")) as { repaired: { damaged: string }[] }[];
    expect(summary).toMatchObject({ message_type: "summary", forgotten: [summary?.repaired[0]?.damaged] });
    expect(await agent("repair", "snapshots")).toMatch(/^No snapshot needs a repair\n/);
    await agent("check", "--read-data");
  });

  test("wants whole ids of packs that are there", async () => {
    expect(await agent.attempt("repair", "packs", "1234")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("64 digits"),
    });
    const { code, stderr } = await agent.attempt("repair", "packs", "ab".repeat(32));
    expect([code, stderr]).toEqual([1, expect.stringContaining("There is no pack")]);
  });
});

async function forgetFirst(): Promise<void> {
  const [first] = (await agent.json("snapshots")).flat() as { id: string }[];
  await rm(join(repository, "snapshots", first?.id ?? ""));
}

/** The pack with the file's content is damaged in its middle. */
async function damagedPack(): Promise<string> {
  const folders = await readdir(join(repository, "data"));
  const packs = (await Promise.all(folders.map(async (name) => await readdir(join(repository, "data", name))))).flat();
  for (const pack of packs) {
    const file = join(repository, "data", pack.slice(0, 2), pack);
    if ((await stat(file)).size < 300_000) continue;
    const bytes = await readFile(file);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await chmod(file, 0o600);
    await writeFile(file, bytes);
    return pack;
  }
  return expect.unreachable("one pack has the file");
}
