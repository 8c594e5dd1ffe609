import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modeDirectory, modeSetuid, modeSticky } from "../format/file-mode.ts";
import { encodeName } from "../format/names.ts";
import type { Node } from "../format/node.ts";
import { extendedAttributes } from "../platform/node/extended-attributes.ts";
import { sampleNode } from "../platform/testing/sample-node.ts";
import type { ArchivePiece } from "./archive.ts";
import { tarArchive } from "./tar.ts";

const isRoot = process.geteuid?.() === 0;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "saveos-tar-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the system's tar unpacks contents, modes, nanoseconds, links, fifos and attributes", async () => {
  await unpack([
    ...entry("dir", { type: "dir", mode: (modeDirectory | modeSticky | 0o750) >>> 0 }),
    ...entry(
      "dir/file",
      { mode: modeSetuid | 0o711, extendedAttributes: [{ name: "user.x", value: encodeName("a=b\n\0c") }] },
      "some content",
    ),
    ...entry("dir/empty", {}, ""),
    ...entry("fifo", { type: "fifo", mode: 0o600 }),
    ...entry("link", { type: "symlink", linkTarget: "dir/file" }),
  ]);
  expect(readFileSync(join(folder, "dir/file"), "utf8")).toBe("some content");
  expect(lstatSync(join(folder, "dir")).mode & 0o7777).toBe(0o1750);
  expect(lstatSync(join(folder, "dir/file")).mode & 0o7777).toBe(isRoot ? 0o4711 : 0o711);
  for (const name of ["dir", "dir/file", "link"])
    expect(lstatSync(join(folder, name), { bigint: true }).mtimeNs, name).toBe(1_700_000_000_123_456_789n);
  expect(lstatSync(join(folder, "dir/empty")).size).toBe(0);
  expect(lstatSync(join(folder, "fifo")).isFIFO()).toBe(true);
  expect(readlinkSync(join(folder, "link"))).toBe("dir/file");
  const attributes = extendedAttributes(join(folder, "dir/file"), (_, message) => expect.unreachable(message));
  expect(attributes).toEqual([{ name: "user.x", value: encodeName("a=b\n\0c") }]);
});

test("long and odd names and link targets come through", async () => {
  const odd = ["\udcff\udce4", "new\nline", "日本語😀", "x".repeat(255), "\udcfe".repeat(120), "a=b"];
  const deep = Array.from({ length: 10 }, () => "d".repeat(40)).join("/");
  await unpack([
    ...odd.flatMap((name) => entry(name, {}, name.toWellFormed())),
    ...entry(`${deep}/file`, {}, "deep"),
    ...entry("link", { type: "symlink", linkTarget: "t".repeat(300) }),
  ]);
  const found = readdirSync(folder, { encoding: "buffer" }).map((name) => name.toString("latin1"));
  for (const name of odd) expect(found).toContain(Buffer.from(encodeName(name)).toString("latin1"));
  expect(readFileSync(join(folder, deep, "file"), "utf8")).toBe("deep");
  expect(readlinkSync(join(folder, "link"))).toBe("t".repeat(300));
});

test.runIf(isRoot)("owners beyond the old header's numbers, and devices, come through", async () => {
  await unpack([
    ...entry("file", { uid: 4_000_000, gid: 4_000_000_000 }, "x"),
    ...entry("null", { type: "chardev", device: 259n, mode: 0o666 }),
    ...entry("disk", { type: "dev", device: (0x103n << 8n) | 0x1n | (0x12n << 20n), mode: 0o660 }),
  ]);
  expect(lstatSync(join(folder, "file"))).toMatchObject({ uid: 4_000_000, gid: 4_000_000_000 });
  expect(lstatSync(join(folder, "null")).rdev).toBe(259);
  expect(BigInt(lstatSync(join(folder, "disk")).rdev)).toBe((0x103n << 8n) | 0x1n | (0x12n << 20n));
});

test("sizes beyond 8 GiB and times before 1970 are in the header for the system's tar to list", async () => {
  const size = 9 * 1024 ** 3;
  const node = sampleNode({ name: "huge", size, mtimeNs: -86_401_000_000_000n });
  // Only the header: nine gigabytes of content would prove no more.
  const pieces = tarArchive(piecesOf([{ entry: { path: "huge", node } }]));
  const header = (await pieces.next()).value as Uint8Array;
  writeFileSync(join(folder, "a.tar"), header);
  const listed = execFileSync(
    "sh",
    ["-c", 'tar -tvf "$0" --utc --full-time 2>/dev/null || true', join(folder, "a.tar")],
    { encoding: "utf8" },
  );
  expect(listed).toContain(` ${size} 1969-12-30 23:59:59 huge`);
});

test("each pax record says its own length, also where that needs a digit more", async () => {
  for (const length of [...Array(40).keys()].flatMap((more) => [60 + more, 960 + more])) {
    const node = sampleNode({
      name: "f",
      extendedAttributes: [{ name: "user.x", value: new Uint8Array(length).fill(65) }],
    });
    const archive = await collect(tarArchive(piecesOf([{ entry: { path: "f", node } }])));
    const size = Number.parseInt(archive.toString("latin1", 124, 135), 8);
    const keys: string[] = [];
    for (let at = 512; at < 512 + size;) {
      const record = archive.subarray(at, at + Number.parseInt(archive.toString("latin1", at, at + 8), 10));
      expect(record.at(-1)).toBe(10);
      keys.push(record.subarray(record.indexOf(" ") + 1, record.indexOf("=")).toString());
      at += record.length;
    }
    expect(keys).toEqual(["mtime", "atime", "ctime", "SCHILY.xattr.user.x"]);
  }
});

test("a socket is left out", async () => {
  await unpack([...entry("socket", { type: "socket" }), ...entry("file", {}, "x")]);
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("a content of another length than announced is an error, not a broken archive", async () => {
  for (const size of [2, 4]) {
    const pieces = entry("file", { size }, "123");
    await expect(collect(tarArchive(piecesOf(pieces)))).rejects.toThrow(
      `should have ${size} bytes, but its content has 3`,
    );
  }
});

async function unpack(pieces: ArchivePiece[]): Promise<void> {
  const archive = await collect(tarArchive(piecesOf(pieces)));
  expect(archive.length % 512).toBe(0);
  execFileSync("tar", ["-x", "-p", "--xattrs", "--delay-directory-restore", "--no-overwrite-dir", "-C", folder], {
    input: archive,
    stdio: "pipe",
  });
}

function entry(path: string, fields: Partial<Node>, content?: string): ArchivePiece[] {
  const bytes = encodeName(content ?? "");
  const node = sampleNode({
    name: path.split("/").at(-1) ?? "",
    size: bytes.length,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    ...fields,
  });
  const halves = [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)];
  return [{ entry: { path, node } }, ...(content === undefined ? [] : halves.map((half) => ({ bytes: half })))];
}

async function* piecesOf(pieces: ArchivePiece[]): AsyncGenerator<ArchivePiece> {
  yield* pieces;
  await Promise.resolve();
}

async function collect(archive: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of archive) parts.push(part);
  return Buffer.concat(parts);
}
