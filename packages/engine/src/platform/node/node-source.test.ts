import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EntryTable, isSameEntry } from "../../format/entry-table.ts";
import { decodeName } from "../../format/names.ts";
import { noRules } from "../../source/backup-rules.ts";
import type { FileSource, SourceMetadata } from "../../source/file-source.ts";
import { scan } from "../../source/scan.ts";
import { eachOf } from "../testing/each-of.ts";
import { fileSourceSuite, readAll } from "../testing/file-source-suite.ts";
import { EventLoopBreather } from "./event-loop-breather.ts";
import { listDirectory } from "./list-directory.ts";
import { nodeSource } from "./node-source.ts";
import { systemPath } from "./source-path.ts";

const workFolder = mkdtempSync(join(tmpdir(), "node-source-"));
afterAll(() => rmSync(workFolder, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;

function newFolder(): string {
  return mkdtempSync(join(workFolder, "t-"));
}

for (const [name, options] of [
  ["the file system", {}],
  ["the file system, asked by Node alone", { byNodeAlone: true }],
] as const)
  fileSourceSuite(name, () => ({
    source: nodeSource(options),
    root: newFolder(),
    writeFile: (path, bytes) => writeFileSync(systemPath(path), bytes),
    makeDirectory: (path) => mkdirSync(systemPath(path)),
    makeSymlink: (path, linkTarget) => symlinkSync(systemPath(linkTarget), systemPath(path)),
    remove: (path) => rmSync(systemPath(path)),
  }));

test("the fast system calls say the same as Node's, of whatever there is", async () => {
  const [fast, slow] = [nodeSource(), nodeSource({ byNodeAlone: true })];
  const folder = newFolder();
  writeFileSync(join(folder, "old"), "1234567");
  lutimesSync(join(folder, "old"), -1.5, -123_456_789.25);
  writeFileSync(join(folder, "odd"), "");
  chmodSync(join(folder, "odd"), 0o7751);
  linkSync(join(folder, "odd"), join(folder, "linked"));
  execFileSync("mkfifo", [join(folder, "fifo")]);
  execFileSync("truncate", ["--size", "5G", join(folder, "large")]);
  symlinkSync("nowhere", join(folder, "link"));
  mkdirSync(join(folder, "d"));
  for (const withAtime of [false, true]) {
    const [byCalls, byNode] = [new EntryTable(), new EntryTable()];
    await fast.entries(folder, byCalls, { withAtime });
    await slow.entries(folder, byNode, { withAtime });
    const rows = new Map(Array.from({ length: byNode.count }, (_, row) => [byNode.name(row), row]));
    expect([byCalls.count, byNode.count]).toEqual([7, 7]);
    for (let row = 0; row < byCalls.count; row += 1) {
      const other = rows.get(byCalls.name(row)) ?? -1;
      expect(isSameEntry(byCalls, row, byNode, other), byCalls.name(row)).toBe(true);
      expect([byCalls.type(row), byCalls.size(row)]).toEqual([byNode.type(other), byNode.size(other)]);
    }
  }
  const paths = ["old", "odd", "linked", "fifo", "large", "link", "d"].map((name) => `${folder}/${name}`);
  for (const path of [...paths, "/", "/dev/null", "/dev/tty"])
    expect({ ...fast.stat(path), birthtimeNs: 0n }, path).toEqual({
      ...slow.stat(path),
      birthtimeNs: 0n,
    });
});

async function metadata(path: string, { withAtime = false, warnings = [] as string[] } = {}): Promise<SourceMetadata> {
  const source = nodeSource();
  const onWarning = (_path: string, message: string) => warnings.push(message);
  return source.metadata(path, source.stat(path), { withAtime, onWarning });
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: "pipe" });
}

describe("metadata", () => {
  test("modes have setuid, setgid and sticky where Go has them", async () => {
    const folder = newFolder();
    writeFileSync(`${folder}/f`, "");
    const modes = { 0o644: 420, 0o4755: 8_389_101, 0o2755: 4_194_797, 0o000: 0 };
    for (const [posix, go] of Object.entries(modes)) {
      chmodSync(`${folder}/f`, Number(posix));
      expect((await metadata(`${folder}/f`)).mode).toBe(go);
    }
    chmodSync(folder, 0o1777);
    expect((await metadata(folder)).mode).toBe(2_148_532_735);
  });

  test("times are nanoseconds, before 1970 too, and atime is the mtime unless it is wanted", async () => {
    const folder = newFolder();
    for (const [index, text] of [
      "2023-11-14T22:13:20.123456789Z",
      "1969-12-31T23:59:58.000000001Z",
      "2200-01-01T00:00:00.5Z",
    ].entries()) {
      const path = `${folder}/${index}`;
      writeFileSync(path, "x");
      run("touch", "-m", "-d", text, path);
      run("touch", "-a", "-d", "2001-02-03T04:05:06.7Z", path);
      const [, fraction = "0"] = /\.(\d+)Z/.exec(text) ?? [];
      const expected = BigInt(Date.parse(text.replace(/\.\d+/, ""))) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
      expect(await metadata(path)).toMatchObject({ mtimeNs: expected, atimeNs: expected });
      expect((await metadata(path, { withAtime: true })).atimeNs).toBe(981_173_106_700_000_000n);
    }
  });

  test("hard links share inode and device and count each other", async () => {
    const folder = newFolder();
    writeFileSync(`${folder}/a`, "x");
    linkSync(`${folder}/a`, `${folder}/b`);
    const [a, b] = [await metadata(`${folder}/a`), await metadata(`${folder}/b`)];
    expect(a).toMatchObject({ inode: b.inode, deviceId: b.deviceId, links: 2n });
    expect(a.inode).toBe(lstatSync(`${folder}/b`, { bigint: true }).ino);
  });

  test("owners have numbers and names, or no name if the system knows none", async () => {
    const folder = newFolder();
    writeFileSync(`${folder}/f`, "");
    const [user, group] = ["-un", "-gn"].map((flag) => execFileSync("id", [flag], { encoding: "utf8" }).trim());
    expect(await metadata(`${folder}/f`)).toMatchObject({
      uid: process.getuid?.(),
      gid: process.getgid?.(),
      user,
      group,
    });
    if (!isRoot) return;
    run("chown", "4123456789:4123456788", `${folder}/f`);
    expect(await metadata(`${folder}/f`)).toMatchObject({
      uid: 4_123_456_789,
      gid: 4_123_456_788,
      user: "",
      group: "",
    });
  });

  test("a fifo and a socket are what they are", async () => {
    const folder = newFolder();
    run("mkfifo", "-m", "600", `${folder}/fifo`);
    expect(await metadata(`${folder}/fifo`)).toMatchObject({ type: "fifo", mode: 33_554_816, links: 0n, size: 0 });
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(`${folder}/socket`, resolve));
    expect(nodeSource().stat(`${folder}/socket`).type).toBe("socket");
    server.close();
  });

  test.runIf(isRoot)("devices have their numbers", async () => {
    const folder = newFolder();
    run("mknod", "-m", "660", `${folder}/block`, "b", "7", "300");
    run("mknod", "-m", "666", `${folder}/char`, "c", "1", "3");
    // glibc's makedev: the minor's upper bits lie above the major.
    expect(await metadata(`${folder}/block`)).toMatchObject({
      type: "dev",
      mode: 67_109_296,
      device: 0x1_0000_0n + 0x72cn,
      links: 1n,
    });
    expect(await metadata(`${folder}/char`)).toMatchObject({ type: "chardev", mode: 69_206_454, device: 0x103n });
  });

  test("a link has its target as it is, its own times, and no size", async () => {
    const folder = newFolder();
    symlinkSync(Buffer.from("to\xff/../x\n", "latin1"), `${folder}/link`);
    lutimesSync(`${folder}/link`, 1000, 2000);
    expect(await metadata(`${folder}/link`)).toMatchObject({
      type: "symlink",
      linkTarget: "to\udcff/../x\n",
      size: 0,
      links: 1n,
      mtimeNs: 2_000_000_000_000n,
    });
  });
});

describe.runIf(process.platform === "linux")("extended attributes", () => {
  const text = (bytes: Uint8Array | undefined) => decodeName(bytes ?? new Uint8Array());

  test("are read in the system's order with any values, of files, folders and names that are no UTF-8", async () => {
    const folder = newFolder();
    const odd = `${folder}/\udcff`;
    writeFileSync(systemPath(odd), "");
    for (const path of [odd, folder]) {
      const names: [string, string][] = [
        ["user.second", "0xff00"],
        ["user.empty", ""],
        ["user.a", "0x616263"],
      ];
      for (const [name, value] of names) {
        const args = ["-n", name, ...(value ? ["-v", value] : [])];
        // No command line of Node can carry a name that is no UTF-8: the shell makes it.
        if (path === odd) run("sh", "-c", `cd "$0" && setfattr ${args.join(" ")} "$(printf '\\377')"`, folder);
        else run("setfattr", ...args, folder);
      }
      const { extendedAttributes } = await metadata(path);
      expect(extendedAttributes.map(({ name }) => name).sort()).toEqual(["user.a", "user.empty", "user.second"]);
      const values = new Map(extendedAttributes.map(({ name, value }) => [name, value]));
      expect(values.get("user.second")).toEqual(Uint8Array.of(0xff, 0));
      expect(values.get("user.empty")).toEqual(new Uint8Array());
      expect(text(values.get("user.a"))).toBe("abc");
    }
  });

  test("hold POSIX ACLs", async () => {
    const folder = newFolder();
    run("setfacl", "-m", "u:12345:rwx", folder);
    run("setfacl", "-d", "-m", "u:12345:r", folder);
    const { extendedAttributes } = await metadata(folder);
    expect(extendedAttributes.map(({ name }) => name)).toEqual(["system.posix_acl_access", "system.posix_acl_default"]);
    expect(extendedAttributes[0]?.value.length).toBeGreaterThan(20);
  });

  test.runIf(isRoot)("of a link are its own, not its target's", async () => {
    const folder = newFolder();
    writeFileSync(`${folder}/f`, "");
    run("setfattr", "-n", "user.of-file", "-v", "1", `${folder}/f`);
    symlinkSync("f", `${folder}/link`);
    run("setfattr", "-h", "-n", "trusted.of-link", "-v", "2", `${folder}/link`);
    expect((await metadata(`${folder}/link`)).extendedAttributes).toEqual([
      { name: "trusted.of-link", value: Uint8Array.of(0x32) },
    ]);
  });

  test("where a file system has none there are none, and nothing to warn of", async () => {
    const warnings: string[] = [];
    expect((await metadata("/proc/self/status", { warnings })).extendedAttributes).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

describe("reading", () => {
  const readStep = async (source: FileSource, path: string, afterFirst: () => void) => {
    let bytes = 0;
    for await (const piece of source.read(path)) {
      if (bytes === 0) afterFirst();
      bytes += piece.length;
    }
    return bytes;
  };

  test("a file that grows while it is read is read to its new end, one that shrinks to its new end", async () => {
    const path = `${newFolder()}/f`;
    writeFileSync(path, Buffer.alloc(700_000, 1));
    expect(await readStep(nodeSource(), path, () => appendFileSync(path, Buffer.alloc(300_000, 2)))).toBe(1_000_000);
    expect(await readStep(nodeSource(), path, () => truncateSync(path, 600_000))).toBe(600_000);
    writeFileSync(path, "small");
    expect(await readStep(nodeSource(), path, () => appendFileSync(path, "er"))).toBe(7);
  });

  test("a file that vanishes while it is read is read to its end", async () => {
    const path = `${newFolder()}/f`;
    writeFileSync(path, Buffer.alloc(900_000, 1));
    expect(await readStep(nodeSource(), path, () => rmSync(path))).toBe(900_000);
  });

  test("a sparse file is its zeros", async () => {
    const path = `${newFolder()}/f`;
    writeFileSync(path, "x");
    truncateSync(path, 3_000_000);
    const bytes = await readAll(nodeSource(), path);
    expect(bytes.length).toBe(3_000_000);
    expect(bytes.findLastIndex((byte) => byte !== 0)).toBe(0);
  });

  test("a fifo, a socket or a device in the file's place is refused at once", async () => {
    const folder = newFolder();
    run("mkfifo", `${folder}/fifo`);
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(`${folder}/socket`, resolve));
    for (const path of [`${folder}/fifo`, `${folder}/socket`, "/dev/zero"])
      await expect(readAll(nodeSource(), path), path).rejects.toMatchObject({ code: "source-unreadable" });
    server.close();
  });

  test("a link swapped in after the stat is not followed", async () => {
    const folder = newFolder();
    writeFileSync(`${folder}/secret`, "secret");
    writeFileSync(`${folder}/f`, "mine");
    const source = nodeSource();
    source.stat(`${folder}/f`);
    rmSync(`${folder}/f`);
    symlinkSync("secret", `${folder}/f`);
    await expect(readAll(source, `${folder}/f`)).rejects.toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("not a regular file"),
    });
  });

  test("a file that says it is empty but is not, as in /proc, is read", async () => {
    expect((await readAll(nodeSource(), "/proc/self/status")).length).toBeGreaterThan(100);
  });

  test.runIf(isRoot)("the time of the last access stays", async () => {
    const path = `${newFolder()}/f`;
    writeFileSync(path, "x");
    run("touch", "-a", "-d", "2001-01-01", path);
    const before = lstatSync(path, { bigint: true }).atimeNs;
    await readAll(nodeSource(), path);
    expect(lstatSync(path, { bigint: true }).atimeNs).toBe(before);
  });

  test.runIf(isRoot)("what this user may not read is source-unreadable with the reason and a hint", async () => {
    const folder = newFolder();
    chmodSync(workFolder, 0o755);
    chmodSync(folder, 0o755);
    writeFileSync(`${folder}/f`, "x");
    chmodSync(`${folder}/f`, 0);
    mkdirSync(`${folder}/closed`, { mode: 0 });
    const source = nodeSource();
    process.seteuid?.(65_534);
    try {
      const denied = {
        code: "source-unreadable",
        message: expect.stringContaining("permission denied"),
        hint: expect.any(String),
      };
      await expect(readAll(source, `${folder}/f`)).rejects.toMatchObject(denied);
      await expect(source.list(`${folder}/closed`)).rejects.toMatchObject(denied);
      expect(() => source.stat(`${folder}/closed/below`)).toThrow(expect.objectContaining(denied));
      expect(source.stat(`${folder}/f`).type).toBe("file");
    } finally {
      process.seteuid?.(0);
    }
  });
});

describe("listing", () => {
  test("a link swapped in for a directory is refused", async () => {
    const folder = newFolder();
    mkdirSync(`${folder}/d`);
    const source = nodeSource();
    renameSync(`${folder}/d`, `${folder}/moved`);
    symlinkSync("/etc", `${folder}/d`);
    await expect(source.list(`${folder}/d`)).rejects.toMatchObject({ code: "source-unreadable" });
  });

  test("a directory that counts as large is listed as any other, in steps", async () => {
    const folder = newFolder();
    const names = Array.from({ length: 1030 }, (_, index) => `${index}`);
    for (const name of names) mkdirSync(`${folder}/${name}`);
    writeFileSync(systemPath(`${folder}/\udcff`), "");
    const inSteps = await listDirectory(folder, new EventLoopBreather(), { largeFromBytes: 0 });
    expect(inSteps.sort()).toEqual([...names, "\udcff"].sort());
    expect((await nodeSource().list(folder)).sort()).toEqual(inSteps);
  });

  test("the event loop has its turns however much there is to ask", async () => {
    const source = nodeSource();
    const folder = newFolder();
    const turns: number[] = [];
    const ticking = setInterval(() => turns.push(performance.now()), 1);
    for (let asked = 0; asked < 1_000_000 && turns.length < 3; asked += 1) {
      source.stat(folder);
      await source.pauseIfDue?.();
    }
    clearInterval(ticking);
    expect(turns.length).toBeGreaterThanOrEqual(3);
  });

  test("names of 255 bytes and paths below names of any bytes work", async () => {
    const folder = newFolder();
    const long = "é".repeat(127) + "x";
    const odd = `${folder}/\udcff\udce4\n🦜`;
    mkdirSync(systemPath(odd));
    mkdirSync(systemPath(`${odd}/${long}`));
    writeFileSync(systemPath(`${odd}/${long}/f`), "x");
    const found: string[] = [];
    const options = { withAtime: false, onProblem: ({ message }: { message: string }) => expect.fail(message) };
    for await (const event of eachOf(scan(nodeSource(), [{ given: odd, absolute: odd }], noRules, options)))
      if (event.kind === "file") found.push(event.path);
    expect(found).toEqual([`${odd}/${long}/f`]);
  });
});
