import { mkdir, writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";

let machine: TestMachine;

beforeEach(async () => {
  machine = await TestMachine.create();
  machine.env = { ...machine.env, SAVEOS_PASSWORD: "geheim", SAVEOS_REPOSITORY: machine.path("repository") };
  return () => machine[Symbol.asyncDispose]();
});

async function backUpFiles(): Promise<void> {
  await mkdir(machine.path("files"));
  await writeFile(machine.path("files", "notes.txt"), "first");
  await writeFile(machine.path("files", "secret.key"), "secret");
  await machine.initRepository();
  expect((await machine.run(["backup", "files"])).code).toBe(0);
}

test("what is excluded is gone from the new snapshot, and the old one goes with --forget", async () => {
  await backUpFiles();
  const dry = await machine.run(["rewrite", "--exclude", "*.key", "--forget", "--dry-run", "-vv"]);
  expect(dry.stdout.text).toMatch(
    /Left out: \/\S*secret\.key\nWould rewrite snapshot [0-9a-f]{8} of .*\nWould rewrite 1 snapshot\n$/,
  );
  const { code, stdout } = await machine.run(["rewrite", "--exclude", "*.key", "--forget"]);
  expect(code).toBe(0);
  expect(stdout.text).toMatch(
    /^Rewrote snapshot [0-9a-f]{8} of .* as [0-9a-f]{8}\nRewrote 1 snapshot\nRemoved 1 old snapshot; /,
  );
  const { stdout: listed } = await machine.run(["ls", "latest"]);
  expect(listed.text).toContain("notes.txt");
  expect(listed.text).not.toContain("secret.key");
});

test("machines get a record for each changed snapshot and a summary", async () => {
  await backUpFiles();
  const { stdout } = await machine.run([
    "rewrite",
    "--new-host",
    "web1",
    "--new-time",
    "2026-01-31 08:30:00",
    "--json",
  ]);
  const id = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
  expect(stdout.records).toEqual([
    { message_type: "changed", dry_run: false, old_snapshot_id: id, new_snapshot_id: id },
    { message_type: "summary", dry_run: false, changed_snapshots: 1, unchanged_snapshots: 0, removed_snapshots: 0 },
  ]);
  const { stdout: listed } = await machine.run(["snapshots", "--host", "web1", "--json"]);
  expect(JSON.parse(listed.text)).toMatchObject([
    { tags: ["rewrite"], time: expect.stringMatching(/^2026-01-31T08:30:00/) as string },
  ]);
});

test.each([
  [[], "Nothing to do"],
  [["--exclude", "a", "--include", "b"], "can't be used together"],
  [["--exclude", "[a"], "[a"],
  [["--new-time", "soon"], "Write a time"],
])("%j is refused with what is wrong", async (options, named) => {
  const { code, stderr } = await machine.run(["rewrite", ...options]);
  expect([code, stderr.text]).toEqual([1, expect.stringContaining(named)]);
});
