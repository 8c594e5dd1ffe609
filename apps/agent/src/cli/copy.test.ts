import { mkdir, readFile, writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { type Ran, TestMachine } from "../testing/test-world.ts";

let machine: TestMachine;

beforeEach(async () => {
  machine = await TestMachine.create();
  useRepository("copies", "other secret");
  return () => machine[Symbol.asyncDispose]();
});

const from = () => ["--from-repo", machine.path("source"), "--from-password-file", machine.path("from-password")];

test("what was copied is restored with the password of the repository that it was copied to", async () => {
  await backUpToSource();
  await initLikeSource();
  const { code, stdout } = await machine.run(["copy", ...from()]);
  expect(code).toBe(0);
  expect(stdout.text).toMatch(/^Copied snapshot [0-9a-f]{8} of .* as [0-9a-f]{8}\nCopied 1 snapshot, \d+ new blobs, /);
  expect(stdout.text).not.toContain("cut files differently");
  expect((await machine.run(["restore", "latest", "--target", "back"])).code).toBe(0);
  expect(await readFile(machine.path("back", "files", "notes.txt"), "utf8")).toBe("first");
});

test("restic's variables name the repository to copy from and its password", async () => {
  await backUpToSource();
  await initLikeSource();
  machine.env = { ...machine.env, RESTIC_FROM_REPOSITORY: machine.path("source"), RESTIC_FROM_PASSWORD: "geheim" };
  expect((await machine.run(["copy"])).code).toBe(0);
  machine.env = { ...machine.env, RESTIC_FROM_PASSWORD: "wrong" };
  expect((await machine.run(["copy"])).code).toBe(12);
});

test("machines get a record for each snapshot and a summary", async () => {
  await backUpToSource();
  await initLikeSource();
  const record = async () => (await machine.run(["copy", ...from(), "--json"])).stdout.records;
  expect((await record()).filter(({ message_type }) => message_type !== "status")).toMatchObject([
    { message_type: "snapshot_copied", snapshot_id: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    { message_type: "summary", snapshots_copied: 1, snapshots_skipped: 0, same_chunker_params: true },
  ]);
  expect((await record()).at(-1)).toMatchObject({ snapshots_copied: 0, snapshots_skipped: 1, blobs_added: 0 });
});

test("only the snapshots that fit are copied, and a name that fits nothing is told", async () => {
  await backUpToSource();
  await initLikeSource();
  expect((await machine.run(["copy", ...from(), "--host", "web2"])).stdout.text).toContain("Copied 0 snapshots");
  const { code, stderr } = await machine.run(["copy", ...from(), "abcdef"]);
  expect([code, stderr.text]).toEqual([1, expect.stringContaining('Ignoring "abcdef"')]);
});

test("a repository that cuts files otherwise is said to", async () => {
  await backUpToSource();
  expect((await machine.initRepository()).code).toBe(0);
  expect((await machine.run(["copy", ...from()])).stdout.text).toContain("cut files differently");
});

test.each([
  ["copy", [], "--from-repo"],
  ["copy", ["--from-repo", "a", "--from-repository-file", "b"], "--from-repo and --from-repository-file"],
  ["init", ["--from-repo", "a"], "--copy-chunker-params"],
  ["init", ["--copy-chunker-params"], "No repository to copy from"],
])("%s %j is refused with what is missing", async (command, options, named) => {
  const { code, stderr } = await machine.run([command, ...options]);
  expect([code, stderr.text]).toEqual([1, expect.stringContaining(named)]);
});

async function backUpToSource(): Promise<void> {
  await writeFile(machine.path("from-password"), "geheim\n");
  await mkdir(machine.path("files"));
  await writeFile(machine.path("files", "notes.txt"), "first");
  useRepository("source", "geheim");
  expect((await machine.initRepository()).code).toBe(0);
  expect((await machine.run(["backup", "files", "--host", "web1"])).code).toBe(0);
  useRepository("copies", "other secret");
}

function useRepository(repository: string, password: string): void {
  machine.env = { ...machine.env, SAVEOS_REPOSITORY: machine.path(repository), SAVEOS_PASSWORD: password };
}

async function initLikeSource(): Promise<Ran> {
  const ran = await machine.initRepository("--copy-chunker-params", ...from());
  expect(ran.code).toBe(0);
  return ran;
}
