import { chmod, mkdir, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { AgentError } from "./errors/agent-error.ts";
import { MemoryOutput, TestMachine } from "./testing/test-world.ts";

let machine: TestMachine;

beforeEach(async () => {
  machine = await TestMachine.create();
  machine.env = { ...machine.env, SAVEOS_PASSWORD: "geheim", SAVEOS_REPOSITORY: machine.path("repository") };
  return () => machine[Symbol.asyncDispose]();
});

/** A machine with some files and a repository. */
async function prepare(): Promise<void> {
  await mkdir(machine.path("files", "sub"), { recursive: true });
  await writeFile(machine.path("files", "notes.txt"), "first");
  await writeFile(machine.path("files", "sub", "large.bin"), new Uint8Array(200_000).fill(7));
  await symlink("notes.txt", machine.path("files", "link"));
  expect((await machine.initRepository()).code).toBe(0);
}

async function snapshots(): Promise<Record<string, unknown>[]> {
  const { stdout } = await machine.run(["snapshots", "--json"]);
  return JSON.parse(stdout.text) as Record<string, unknown>[];
}

test("without arguments the help is printed, with every command in it", async () => {
  const { code, stdout } = await machine.run([]);
  expect(code).toBe(0);
  for (const command of [
    "backup",
    "restore",
    "snapshots",
    "ls",
    "find",
    "diff",
    "dump",
    "forget",
    "tag",
    "rewrite",
    "register",
    "status",
    "daemon",
    "seal-restore",
    "hooks",
    "unreadable",
    "init",
    "copy",
    "check",
    "prune",
    "repair",
    "vault",
    "recover",
    "stats",
    "unlock",
    "key",
  ])
    expect(stdout.text).toMatch(new RegExp(`^ {2}${command} `, "m"));
});

test.each([
  "backup",
  "restore",
  "snapshots",
  "ls",
  "find",
  "diff",
  "dump",
  "forget",
  "tag",
  "rewrite",
  "register",
  "status",
  "daemon",
  "seal-restore",
  "hooks",
  "unreadable",
  "init",
  "copy",
  "check",
  "prune",
  "repair",
  "vault",
  "recover",
  "stats",
  "unlock",
  "key",
  "version",
])("the help of %s has an example", async (command) => {
  const { code, stdout } = await machine.run([command, "--help"]);
  expect(code).toBe(0);
  expect(stdout.text).toContain("$ saveos-agent");
});

test.each([
  ["an unknown command", ["frobnicate"], "frobnicate"],
  ["an unknown option", ["snapshots", "--frobnicate"], "--frobnicate"],
  ["a value that makes no sense", ["backup", "--exclude-larger-than", "9z", "."], "size"],
  ["a missing operand", ["ls"], "snapshot"],
  ["a setting that does not exist", ["-o", "s3.colour=red", "snapshots"], "s3.colour"],
  ["a speed window that makes no sense", ["-r", "x", "--limit-window", "8-18 fast", "snapshots"], "8-18 fast"],
  ["nothing to back up", ["backup"], "Nothing to back up"],
  ["no target to restore into", ["restore", "latest"], "folder to restore into"],
])("%s ends with 1 and a sentence that names it", async (_, argv, named) => {
  const { code, stderr } = await machine.run(argv);
  expect(code).toBe(1);
  expect(stderr.text).toContain(named);
});

test("what is backed up comes back", async () => {
  await prepare();
  expect((await machine.run(["backup", "files"])).code).toBe(0);
  await rm(machine.path("files"), { recursive: true });
  expect((await machine.run(["restore", "latest", "--target", "restored", "--verify"])).code).toBe(0);
  expect(await readFile(machine.path("restored", "files", "notes.txt"), "utf8")).toBe("first");
  expect(await readFile(machine.path("restored", "files", "link"), "utf8")).toBe("first");
});

test("the JSON summary of a backup has restic's fields", async () => {
  await prepare();
  const { stdout } = await machine.run(["backup", "files", "--json", "--tag", "a,b"]);
  const summary = stdout.records.at(-1);
  expect(summary).toMatchObject({
    message_type: "summary",
    files_new: 2,
    files_changed: 0,
    files_unmodified: 0,
    dirs_new: 2,
    total_files_processed: 2,
    total_bytes_processed: 200_005,
    snapshot_id: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    total_duration: expect.any(Number) as number,
  });
  expect(await snapshots()).toMatchObject([
    {
      id: summary?.["snapshot_id"],
      short_id: String(summary?.["snapshot_id"]).slice(0, 8),
      paths: [machine.path("files")],
      tags: ["a", "b"],
      program_version: expect.stringMatching(/^saveos /) as string,
      summary: { files_new: 2 },
    },
  ]);
});

test("a second backup names its parent and reads nothing that did not change", async () => {
  await prepare();
  await machine.run(["backup", "files"]);
  await writeFile(machine.path("files", "notes.txt"), "second, longer");
  const { stdout } = await machine.run(["backup", "files", "--json"]);
  expect(stdout.records.at(-1)).toMatchObject({ files_new: 0, files_changed: 1, files_unmodified: 1 });
  const [first, second] = await snapshots();
  expect(second?.["parent"]).toBe(first?.["id"]);
});

test("a source that is missing is said, the rest is saved, and the exit code is 3", async () => {
  await prepare();
  const { code, stdout, stderr } = await machine.run(["backup", "files", "missing", "--json"]);
  expect(code).toBe(3);
  expect(stdout.records.at(-1)).toMatchObject({ message_type: "summary", files_new: 2 });
  expect(stderr.records).toMatchObject([
    { message_type: "error", item: machine.path("missing"), error: { message: expect.any(String) as string } },
    { message_type: "exit_error", code: 3 },
  ]);
});

test("nothing but missing sources makes no snapshot and ends with 1", async () => {
  await prepare();
  expect((await machine.run(["backup", "missing"])).code).toBe(1);
  expect(await snapshots()).toEqual([]);
});

test("excludes are left out and recorded", async () => {
  await prepare();
  await writeFile(machine.path("patterns"), "# large files\n*.bin\n");
  await machine.run(["backup", "files", "--exclude", "link", "--exclude-file", machine.path("patterns")]);
  const { stdout } = await machine.run(["ls", "latest"]);
  expect(stdout.text).toContain("/files/notes.txt");
  expect(stdout.text).not.toMatch(/large\.bin|link/);
  expect((await snapshots())[0]?.["excludes"]).toEqual(["link"]);
});

test("paths may come from a file", async () => {
  await prepare();
  await writeFile(machine.path("list"), "# what matters\nfiles/*.txt\n");
  expect((await machine.run(["backup", "--files-from", machine.path("list")])).code).toBe(0);
  expect((await snapshots())[0]?.["paths"]).toEqual([machine.path("files", "notes.txt")]);
});

test("standard input becomes a file", async () => {
  await prepare();
  async function* stdin() {
    yield new TextEncoder().encode("a dump");
  }
  expect((await machine.run(["backup", "--stdin", "--stdin-filename", "db.sql"], { stdin: stdin() })).code).toBe(0);
  expect((await snapshots())[0]?.["paths"]).toEqual(["/db.sql"]);
});

test("half the output of a failed command makes no snapshot", async () => {
  await prepare();
  const { code } = await machine.run(["backup", "--stdin-from-command", "--", "sh", "-c", "echo half; exit 1"]);
  expect(code).toBe(1);
  expect(await snapshots()).toEqual([]);
});

test("a dry run stores nothing", async () => {
  await prepare();
  const { code, stdout } = await machine.run(["backup", "files", "--dry-run", "--json"]);
  expect(code).toBe(0);
  expect(stdout.records.at(-1)).toMatchObject({ dry_run: true, files_new: 2 });
  expect(await snapshots()).toEqual([]);
});

test("ls prints one JSON line an entry, the snapshot first", async () => {
  await prepare();
  await machine.run(["backup", "files"]);
  const { stdout } = await machine.run(["ls", "latest", "--json"]);
  const [snapshot, ...nodes] = stdout.records;
  expect(snapshot).toMatchObject({ message_type: "snapshot", struct_type: "snapshot" });
  expect(nodes.map(({ path, type, permissions }) => [path, type, permissions])).toContainEqual([
    "/files/link",
    "symlink",
    "Lrwxrwxrwx",
  ]);
  expect(nodes.find(({ name }) => name === "notes.txt")).toMatchObject({
    size: 5,
    message_type: "node",
    struct_type: "node",
  });
});

test("dump writes a file's bytes to standard output, and a folder as an archive into a file", async () => {
  await prepare();
  await machine.run(["backup", "files"]);
  expect((await machine.run(["dump", "latest", "/files/notes.txt"])).stdout.text).toBe("first");
  expect((await machine.run(["dump", "latest", "/files", "-t", "files.tar"])).code).toBe(0);
  expect((await readFile(machine.path("files.tar"))).length % 512).toBe(0);
  const missing = await machine.run(["dump", "latest", "/files/missing"]);
  expect([missing.code, missing.stdout.text]).toEqual([1, ""]);
});

test("dump does not write an archive to a terminal", async () => {
  await prepare();
  await machine.run(["backup", "files"]);
  const { code, stderr } = await machine.run(["dump", "latest", "/"], {
    stdout: new MemoryOutput({ isTerminal: true }),
  });
  expect(code).toBe(1);
  expect(stderr.text).toContain("--target");
});

test("find prints one JSON document, grouped by snapshot", async () => {
  await prepare();
  await machine.run(["backup", "files"]);
  const { stdout } = await machine.run(["find", "--json", "*.txt", "*.bin"]);
  expect(JSON.parse(stdout.text)).toMatchObject([
    { hits: 2, matches: [{ path: "/files/notes.txt", size: 5 }, { path: "/files/sub/large.bin" }] },
  ]);
  expect((await machine.run(["find", "--json", "nothing"])).stdout.text).toBe("[]\n");
});

test("stats has restic's fields", async () => {
  await prepare();
  await machine.run(["backup", "files"]);
  const { stdout } = await machine.run(["stats", "--json"]);
  expect(stdout.records).toEqual([{ total_size: 200_005, total_file_count: 5, snapshots_count: 1 }]);
});

test("a whole repository checks clean, a damaged one ends with 1 and says what is damaged", async () => {
  await prepare();
  await machine.run(["backup", "files"]);
  const whole = await machine.run(["check", "--read-data", "--json"]);
  expect([whole.code, whole.stdout.records]).toEqual([
    0,
    [{ message_type: "summary", num_errors: 0, broken_packs: null, suggest_repair_index: false, suggest_prune: false }],
  ]);

  const [damaged, id] = await anyPack();
  const bytes = await readFile(damaged);
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  await chmod(damaged, 0o600);
  await writeFile(damaged, bytes);
  const { code, stdout, stderr } = await machine.run(["check", "--read-data", "--json"]);
  expect(code).toBe(1);
  expect(stdout.records.at(-1)).toMatchObject({ message_type: "summary", broken_packs: [id] });
  expect(stderr.text).toContain(id);
});

async function anyPack(): Promise<[string, string]> {
  const names = await readdir(machine.path("repository", "data"), { recursive: true, withFileTypes: true });
  const pack = names.find((entry) => entry.isFile());
  if (pack === undefined) throw new AgentError("usage", "no pack in the test's repository");
  return [`${pack.parentPath}/${pack.name}`, pack.name];
}

test("a wrong password ends with 12, for people and for machines", async () => {
  await prepare();
  machine.env["SAVEOS_PASSWORD"] = "wrong";
  expect((await machine.run(["snapshots"])).code).toBe(12);
  const { code, stderr } = await machine.run(["snapshots", "--json"]);
  expect(code).toBe(12);
  expect(stderr.records).toMatchObject([
    { message_type: "exit_error", code: 12, message: expect.any(String) as string },
  ]);
});

test("no repository ends with 10", async () => {
  const { code, stderr } = await machine.run(["snapshots", "--json"]);
  expect(code).toBe(10);
  expect(stderr.records).toMatchObject([{ message_type: "exit_error", code: 10 }]);
});

test("a locked repository ends with 11, and `unlock --remove-all` opens it again", async () => {
  await prepare();
  const { lockRepository } = await import("@saveos/engine");
  const { openForCommand } = await import("./cli/repository-command.ts");
  const { Printer } = await import("./cli/printer.ts");
  const { settleGlobalOptions } = await import("./cli/global-options.ts");
  const { Command } = await import("commander");
  const world = machine.world();
  const global = settleGlobalOptions(new Command(), world);
  await using opened = await openForCommand({
    world,
    global,
    print: new Printer(world, global),
    options: {},
    operands: [],
  });
  await using _lock = await lockRepository(opened.repository, { ...opened.lock, exclusive: true });

  expect((await machine.run(["backup", "files"])).code).toBe(11);
  expect((await machine.run(["snapshots", "--no-lock"])).code).toBe(0);
  expect((await machine.run(["unlock"])).stdout.text).toContain("No locks");
  expect((await machine.run(["unlock", "--remove-all"])).stdout.text).toContain("1 lock");
  expect((await machine.run(["backup", "files"])).code).toBe(0);
});

test("an interrupted backup ends with 130 and leaves no lock behind", async () => {
  await prepare();
  const interruption = new AbortController();
  async function* stdin() {
    yield new Uint8Array(100);
    interruption.abort(new AgentError("interrupted", "Ctrl-C"));
    yield new Uint8Array(100);
  }
  const { code, stderr } = await machine.run(["backup", "--stdin"], { stdin: stdin(), signal: interruption.signal });
  expect(code).toBe(130);
  expect(stderr.text).toBe("Interrupted.\n");
  expect(await readdir(machine.path("repository", "locks"))).toEqual([]);
});

test("passwords are added, listed and removed, and each opens the repository", async () => {
  await prepare();
  await writeFile(machine.path("second"), "zweites");
  expect((await machine.run(["key", "add", "--new-password-file", machine.path("second"), "--user", "ann"])).code).toBe(
    0,
  );
  const keys = JSON.parse((await machine.run(["key", "list", "--json"])).stdout.text) as Record<string, unknown>[];
  expect(keys.map(({ current, userName }) => [current, userName])).toContainEqual([false, "ann"]);
  const old = keys.find(({ current }) => current === true);

  expect((await machine.run(["key", "remove", String(old?.["id"]).slice(0, 8)])).code).toBe(1);
  machine.env["SAVEOS_PASSWORD"] = "zweites";
  expect((await machine.run(["key", "remove", String(old?.["id"]).slice(0, 8)])).code).toBe(0);
  machine.env["SAVEOS_PASSWORD"] = "geheim";
  expect((await machine.run(["snapshots"])).code).toBe(12);
});

test("options of every command may stand before the command or behind it", async () => {
  await prepare();
  delete machine.env["SAVEOS_REPOSITORY"];
  const repository = machine.path("repository");
  expect((await machine.run(["--json", "-r", repository, "snapshots"])).stdout.text).toBe("[]\n");
  expect((await machine.run(["snapshots", "-r", repository, "--json"])).stdout.text).toBe("[]\n");
});

test("restic's environment names the repository too", async () => {
  await prepare();
  const { SAVEOS_REPOSITORY: repository = "", SAVEOS_PASSWORD: password = "", ...rest } = machine.env;
  machine.env = { ...rest, RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: password };
  expect((await machine.run(["snapshots"])).code).toBe(0);
});

test("quiet leaves out everything but the result", async () => {
  await prepare();
  const { stdout, stderr } = await machine.run(["backup", "files", "-q"]);
  expect(stdout.text).toMatch(/^Saved snapshot [0-9a-f]{8}\n$/);
  expect(stderr.text).toBe("");
});

test("-vv names every file", async () => {
  await prepare();
  const { stdout } = await machine.run(["backup", "files", "-vv"]);
  expect(stdout.text).toContain("new        /files/notes.txt");
});

test("progress is drawn on a terminal only, and the cursor comes back", async () => {
  await prepare();
  const terminal = new MemoryOutput({ isTerminal: true, columns: 60 });
  await machine.run(["backup", "files"], { stdout: terminal });
  expect(terminal.text.lastIndexOf("\u001b[?25h")).toBeGreaterThan(terminal.text.lastIndexOf("\u001b[?25l"));
  const { stdout } = await machine.run(["backup", "files"]);
  expect(stdout.text).not.toContain("\u001b");
});

test("no error shows a stack trace unless SAVEOS_DEBUG asks for it", async () => {
  expect((await machine.run(["snapshots"])).stderr.text).not.toMatch(/\n\s+at /);
  machine.env["SAVEOS_DEBUG"] = "1";
  expect((await machine.run(["snapshots"])).stderr.text).toMatch(/\n\s+at /);
});

test("a machine without a server says so, and what to do", async () => {
  for (const command of ["status", "daemon"]) {
    const { code, stdout, stderr } = await machine.run([command]);
    expect(code).toBe(1);
    expect(stdout.text + stderr.text).toContain("saveos-agent register");
  }
});

test("without a repository and a server a command says how to get one", async () => {
  delete machine.env["SAVEOS_REPOSITORY"];
  const { code, stderr } = await machine.run(["snapshots"]);
  expect(code).toBe(1);
  expect(stderr.text).toContain("--repo");
});
