import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { password } from "../support/engine.ts";
import { describeWith } from "../support/missing-peers.ts";
import { isOlderThan, type Restic, resticOn } from "../support/restic.ts";
import { fillWithEverything } from "../support/sample-tree.ts";
import { agentAt, type SaveosAgent } from "../support/saveos-agent.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

type Line = Record<string, unknown>;

/** Both programs on one repository: what a script made for restic reads must be there, under the same name and with the same value. */
describeWith(["restic", "extended attributes"], "what --json prints is what restic prints, for", () => {
  let temp: TempFolder;
  let source: string;
  let agent: SaveosAgent;
  let restic: Restic;

  beforeAll(async () => {
    temp = await tempFolder();
    source = join(temp.path, "source");
    await fillWithEverything(source);
    // Only restic from 0.16 on keeps a link target that is not UTF-8: between older ones and SaveOS, it changes each time.
    if (await isOlderThan(0, 16)) await rm(join(source, "links/odd"));
    const repository = join(temp.path, "repository");
    agent = agentAt(join(temp.path, "home"), { env: { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: password } });
    restic = resticOn(repository, password);
    await agent("init");
    await agent("backup", source, "--tag", "one,two", "--exclude", "*.none");
    await writeFile(join(source, "notes.txt"), "second\n");
    await restic("backup", source, "--tag", "three");
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test("backup", async () => {
    const theirs = summaryOf(await restic.json("backup", source));
    const ours = summaryOf(await agent.json("backup", source));
    const timeless = ["snapshot_id", "total_duration", "backup_start", "backup_end"];
    expectAll(without(theirs, timeless), ours);
    for (const key of Object.keys(theirs)) expect(typeof ours[key], key).toBe(typeof theirs[key]);
  });

  test("snapshots", async () => await expectSame("snapshots"));

  test("snapshots in groups", async () => {
    const byTags = ({ group_key: { tags } }: { group_key: { tags: string[] | null } }) =>
      (tags ?? []).toSorted().join(",");
    const groups = async (program: Pick<SaveosAgent, "json">) =>
      sortedBy(
        byTags,
        (await program.json("snapshots", "--group-by", "tags")).flat() as Parameters<typeof byTags>[0][],
      );
    expectAll(await groups(restic), await groups(agent));
  });

  test("the newest snapshots", async () => await expectSame("snapshots", "--latest", "1"));

  test("snapshots with a tag", async () => await expectSame("snapshots", "--tag", "three"));

  test("ls of everything", async () => await expectSame("ls", "latest"));

  test("ls of a folder", async () => await expectSame("ls", "latest", join(source, "modes")));

  test("forget by a policy", async () => {
    if (await isOlderThan(0, 19)) return;
    const groups = async (program: Pick<SaveosAgent, "json">, options: readonly string[]) =>
      sortedBy(
        ({ tags }) => (tags ?? []).toSorted().join(","),
        (await program.json("forget", "--dry-run", ...options)).flat() as { tags: string[] | null }[],
      );
    for (const options of [
      ["--keep-last", "1", "--keep-within-yearly", "3y"],
      ["--keep-last", "1", "--group-by", "host,tags"],
      ["--unsafe-allow-remove-all", "--tag", "three", "--group-by", ""],
      // Nothing is printed where there is nothing to say of groups.
      ["--keep-last", "1", "--host", "nobody"],
      ["latest"],
    ])
      expectAll(await groups(restic, options), await groups(agent, options));
  });

  test("diff", async () => {
    if (await isOlderThan(0, 19)) return;
    const ids = ((await restic.json("snapshots")).flat() as { id: string }[]).map(({ id }) => id);
    const wanted = ids.slice(0, 2);
    for (const options of [[], ["--metadata"]]) {
      // Quiet, restic keeps the changes to itself.
      const theirs = await restic.json("diff", "--quiet=false", ...options, ...wanted);
      expect(theirs.length).toBeGreaterThan(1);
      const ours = await agent.json("diff", ...options, ...wanted);
      expect(ours).toHaveLength(theirs.length);
      expectAll(theirs, ours);
    }
  });

  test("tag", async () => {
    if (await isOlderThan(0, 18)) return;
    const shape = (lines: readonly unknown[]) =>
      (lines as Line[]).map((line) => Object.entries(line).map(([key, value]) => `${key} ${typeof value}`));
    const [theirs, ours] = [
      await restic.json("tag", "--tag", "three", "--add", "by-restic, four"),
      await agent.json("tag", "--tag", "three", "--add", "by-saveos, five"),
    ];
    expect(shape(ours)).toEqual(shape(theirs));
    expect(ours.at(-1)).toEqual(theirs.at(-1));
    const nothing = ["tag", "--tag", "three", "--remove", "nobody-has-this"];
    expect(await agent.json(...nothing)).toEqual(await restic.json(...nothing));
    const [tagged] = (await agent.json("snapshots", "--tag", "three")).flat() as { tags: string[] }[];
    expect(tagged?.tags).toEqual(["three", "by-restic", "four", "by-saveos", "five"]);
  });

  test("find", async () => {
    const found = async (program: Pick<SaveosAgent, "json">) =>
      sortedBy(({ snapshot }) => snapshot, (await program.json("find", "n*")).flat() as { snapshot: string }[]);
    expectAll(await found(restic), await found(agent));
  });

  test("find of what there is not", async () => await expectSame("find", "nothing like this"));

  test("stats in every mode", async () => {
    for (const mode of ["restore-size", "files-by-contents", "blobs-per-file", "raw-data"])
      await expectSame("stats", "--mode", mode, "latest");
  });

  test("the keys of the repository", async () => {
    const [theirs = {}, ours = {}] = [
      (await restic.json("key", "list")).flat()[0],
      (await agent.json("key", "list")).flat()[0],
    ] as Line[];
    expectAll(without(theirs, ["id"]), ours);
    // Older versions of restic print the beginning only.
    expect(ours["id"]).toContain(theirs["id"]);
  });

  test("check and restore, where this restic prints them", async () => {
    const checked = (await agent.json("check")).at(-1) as Line;
    expect(checked).toMatchObject({ message_type: "summary", num_errors: 0 });
    const restored = (await agent.json("restore", "latest", "--target", join(temp.path, "ours"))).at(-1) as Line;
    expect(restored).toMatchObject({
      message_type: "summary",
      files_restored: expect.any(Number),
      total_bytes: expect.any(Number),
    });
    if (await isOlderThan(0, 17)) return;
    const theirs = (await restic.json("restore", "latest", "--target", join(temp.path, "theirs"))).at(-1) as Line;
    expectAll(without(theirs, ["seconds_elapsed"]), restored);
    if (await isOlderThan(0, 18)) return;
    expectAll((await restic.json("check")).at(-1), checked);
  });

  async function expectSame(...command: string[]): Promise<void> {
    const theirs = await restic.json(...command);
    const ours = await agent.json(...command);
    expect(ours).toHaveLength(theirs.length);
    expectAll(theirs, ours);
  }
});

/** Everything of theirs is in ours; ours may hold more, as newer versions of restic print more. */
function expectAll(theirs: unknown, ours: unknown, path = "$"): void {
  if (Array.isArray(theirs)) {
    expect(Array.isArray(ours) && ours.length, path).toBe(theirs.length);
    theirs.forEach((each: unknown, i) => expectAll(each, (ours as unknown[])[i], `${path}[${i}]`));
  } else if (typeof theirs === "object" && theirs !== null) {
    for (const [key, value] of Object.entries(theirs))
      expectAll(value, (ours as Line | undefined)?.[key], `${path}.${key}`);
  } else if (ours !== undefined || !empty.has(theirs)) expect(ours, path).toEqual(theirs);
}

/** What is left out by newer versions of restic where older ones print it. */
const empty = new Set<unknown>([0, "", false, null]);

function sortedBy<T>(key: (value: T) => string, values: readonly T[]): T[] {
  return values.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function summaryOf(lines: readonly unknown[]): Line {
  return lines.find((line) => (line as Line)["message_type"] === "summary") as Line;
}

function without(line: Line, keys: readonly string[]): Line {
  return Object.fromEntries(Object.entries(line).filter(([key]) => !keys.includes(key)));
}
