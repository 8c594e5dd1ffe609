import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { folderStore } from "@saveos/engine/node";
import { testPassword } from "@saveos/engine/testing";
import { appendOnlyRest } from "../support/append-only-rest.ts";
import { backUp } from "../support/engine.ts";
import { newQuickRepository, openQuickly } from "../support/quick-engine.ts";
import { noise } from "../support/sample-tree.ts";
import { agentAt, type SaveosAgent } from "../support/saveos-agent.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

let pristine: TempFolder;
let temp: TempFolder;
let repository: string;
let agent: SaveosAgent;
/** Oldest first. */
const ids: string[] = [];

beforeAll(async () => {
  pristine = await tempFolder();
  const store = folderStore(join(pristine.path, "repository"));
  await newQuickRepository(store);
  const file = join(pristine.path, "file");
  for (const day of [1, 2, 3]) {
    await writeFile(file, noise(100_000, day));
    const timeNs = BigInt(Date.UTC(2024, 0, day)) * 1_000_000n;
    const { snapshotId } = await backUp(await openQuickly(store), [file], { timeNs, hostname: "web1" });
    ids.push(snapshotId ?? expect.unreachable("a backup makes a snapshot"));
  }
});
afterAll(async () => await pristine[Symbol.asyncDispose]());

beforeEach(async () => {
  temp = await tempFolder();
  repository = join(temp.path, "repository");
  await cp(join(pristine.path, "repository"), repository, { recursive: true });
  const env = { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: testPassword, TZ: "UTC" };
  agent = agentAt(join(temp.path, "home"), { env, cwd: temp.path });
});
afterEach(async () => await temp[Symbol.asyncDispose]());

async function left(): Promise<string[]> {
  return (await readdir(join(repository, "snapshots"))).toSorted();
}

describe("saveos-agent forget", () => {
  test("says first how many go and by which policy, then of each group what stays and why, and what goes", async () => {
    const short = (nr: number) => ids[nr]?.slice(0, 8) ?? "";
    const said = await agent("forget", "--keep-last", "1", "--keep-yearly", "5", "--dry-run", "--compact");
    const [first, policy, blank, group] = said.split("\n");
    expect([first, policy, blank, group]).toEqual([
      "Would remove 1 of 3 snapshots",
      "Policy: keep 1 latest, 5 yearly snapshots",
      "",
      `Host web1, paths ${join(pristine.path, "file")}: keep 2, remove 1`,
    ]);
    expect(said).toMatch(new RegExp(`\\n${short(0)}  2024-01-01 00:00:00  web1 +oldest yearly snapshot `));
    expect(said).toMatch(new RegExp(`\\n${short(2)}  2024-01-03 00:00:00  web1 +last snapshot,yearly snapshot `));
    expect(said).toMatch(new RegExp(`\\nRemove\\n[^]*${short(1)}  2024-01-02`));
    expect(await left()).toHaveLength(3);
  });

  test("removes what it said", async () => {
    expect(await agent("forget", "--keep-last", "1")).toMatch(
      /^Removing 2 of 3 snapshots\n[^]*\nRemoved 2 snapshots\n$/,
    );
    expect(await left()).toEqual([ids[2]]);
    expect(await agent("forget", "--keep-last", "1", "--quiet")).toBe("Nothing to remove\n");
  });

  test("removes what is named, and passes over what is not there", async () => {
    const { code, stdout, stderr } = await agent.attempt("forget", ids[0] ?? "", "ffff");
    expect([code, stdout]).toEqual([0, "Removing 1 snapshot\nRemoved 1 snapshot\n"]);
    expect(stderr).toContain('Ignoring "ffff"');
    expect(await left()).toEqual(ids.slice(1).toSorted());
  });

  test("prunes at the end if asked, as the dry run said, and tells of both", async () => {
    const wouldFree = /Would free (\d+ KiB)/.exec(
      await agent("forget", "--keep-last", "1", "--prune", "--dry-run"),
    )?.[1];
    expect(await left()).toHaveLength(3);
    const said = await agent("forget", "--keep-last", "1", "--prune");
    expect(said).toMatch(new RegExp(`Removed 2 snapshots\\n[^]*Freed ${wouldFree}: `));
    expect(await agent("prune", "--dry-run")).toMatch(/^There is nothing to remove\n/);
    await agent("check", "--read-data");
    expect(await readdir(join(repository, "locks"))).toEqual([]);
  });

  test("ends with 3 where a snapshot may not be removed, and does not prune", async () => {
    await using server = await appendOnlyRest(folderStore(repository), (name) => !name.endsWith(ids[0] ?? ""));
    const { code, stdout, stderr } = await agent.attempt(
      "-r",
      server.repository,
      "forget",
      "--keep-last",
      "1",
      "--prune",
    );
    expect(code).toBe(3);
    expect(stdout).toContain("Removed 1 snapshot\n");
    expect(stdout).not.toContain("Freed");
    expect(stderr).toContain(ids[0]);
    expect(stderr).toMatch(/Could not remove 1 snapshot\n$/);
    expect(await left()).toEqual([ids[0] ?? "", ids[2] ?? ""].toSorted());
  });

  test("passes over a damaged snapshot, says so, and leaves it", async () => {
    const damaged = join(repository, "snapshots", ids[2] ?? "");
    const bytes = await readFile(damaged);
    await writeFile(
      damaged,
      bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    );
    const { code, stderr } = await agent.attempt("forget", "--keep-last", "1");
    expect([code, stderr]).toEqual([0, expect.stringContaining("stays")]);
    expect(await left()).toEqual([ids[1] ?? "", ids[2] ?? ""].toSorted());
  });
});
