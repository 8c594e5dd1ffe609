import { crc32 as zlibCrc32 } from "node:zlib";
import { assert, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { modeDirectory } from "../format/file-mode.ts";
import { encodeName } from "../format/names.ts";
import type { Node } from "../format/node.ts";
import { sampleNode } from "../platform/testing/sample-node.ts";
import type { ArchivePiece } from "./archive.ts";
import { crc32 } from "./crc32.ts";
import { zipArchive } from "./zip.ts";

test("the checksum is zlib's, however the bytes are cut", () => {
  assert(
    property(uint8Array(), uint8Array(), (a, b) => {
      expect(crc32(crc32(0, a), b)).toBe(zlibCrc32(Buffer.concat([a, b])));
    }),
  );
});

test("files, directories and links are found through the central directory, with name, content, mode and time", async () => {
  const archive = await collect([
    ...entry("dir", { type: "dir", mode: (modeDirectory | 0o750) >>> 0 }),
    ...entry("dir/file", { mode: 0o640 }, "some content"),
    ...entry("empty", {}, ""),
    ...entry("link", { type: "symlink", linkTarget: "dir/file", mode: 0o777 }),
    ...entry("fifo", { type: "fifo" }),
    ...entry("日本語", {}, "x"),
  ]);
  expect(readZip(archive)).toEqual([
    { name: "dir/", mode: 0o040750, content: "", mtime: 1_700_000_000 },
    { name: "dir/file", mode: 0o100640, content: "some content", mtime: 1_700_000_000 },
    { name: "empty", mode: 0o100644, content: "", mtime: 1_700_000_000 },
    { name: "link", mode: 0o120777, content: "dir/file", mtime: 1_700_000_000 },
    { name: "日本語", mode: 0o100644, content: "x", mtime: 1_700_000_000 },
  ]);
});

test("more entries than the old format can count are counted by zip64", async () => {
  const pieces = Array.from({ length: 70_000 }, (_, number) => entry(`f${number}`, {}, "")).flat();
  const archive = await collect(pieces);
  const end64 = archive.lastIndexOf(Buffer.from("PK\x06\x06"));
  expect(archive.readUInt16LE(archive.lastIndexOf(Buffer.from("PK\x05\x06")) + 10)).toBe(0xffff);
  expect(archive.readBigUInt64LE(end64 + 32)).toBe(70_000n);
  expect(Number(archive.readBigUInt64LE(archive.lastIndexOf(Buffer.from("PK\x06\x07")) + 8))).toBe(end64);
});

test("sizes and offsets too large for the old format are in the zip64 fields", async () => {
  const pieces = [...entry("a", {}, "small"), ...entry("b", {}, "0123456789".repeat(10)), ...entry("c", {}, "far")];
  const archive = await collect(pieces, { largeFrom: 70 });
  const found = positionsOf(archive, "PK\x01\x02");
  const zip64 = found.map((at) =>
    archive.subarray(at + 46 + 1 + 9, at + 46 + 1 + archive.readUInt16LE(at + 30)).toString("hex"),
  );
  const second = archive.indexOf(Buffer.from("PK\x03\x04"), 4);
  const third = archive.indexOf(Buffer.from("PK\x03\x04"), second + 4);
  const number = (value: number): string => Buffer.from(BigUint64Array.of(BigInt(value)).buffer).toString("hex");
  expect(zip64).toEqual(["", `01001000${number(100)}${number(100)}`, `01000800${number(third)}`]);
  expect(found.map((at) => [archive.readUInt32LE(at + 24), archive.readUInt32LE(at + 42)])).toEqual([
    [5, 0],
    [0xffffffff, second],
    [3, 0xffffffff],
  ]);
});

test("a content of another length than announced is an error", async () => {
  await expect(collect(entry("file", { size: 2 }, "123"))).rejects.toThrow(
    "should have 2 bytes, but its content has 3",
  );
});

function positionsOf(archive: Buffer, signature: string): number[] {
  const positions: number[] = [];
  for (let at = archive.indexOf(signature); at !== -1; at = archive.indexOf(signature, at + 1)) positions.push(at);
  return positions;
}

interface ZipMember {
  readonly name: string;
  readonly mode: number;
  readonly content: string;
  readonly mtime: number;
}

/** Reads a zip as programs do: from its end. */
function readZip(archive: Buffer): ZipMember[] {
  const end = archive.lastIndexOf(Buffer.from("PK\x05\x06"));
  const members: ZipMember[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    expect(archive.readUInt32LE(at)).toBe(0x02014b50);
    const [nameLength, extraLength] = [archive.readUInt16LE(at + 28), archive.readUInt16LE(at + 30)];
    const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
    const size = archive.readUInt32LE(at + 24);
    const local = archive.readUInt32LE(at + 42);
    expect(archive.readUInt32LE(local)).toBe(0x04034b50);
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = archive.subarray(from, from + size);
    expect(archive.readUInt32LE(at + 16), name).toBe(zlibCrc32(content));
    expect(archive.readUInt32LE(from + size), name).toBe(0x08074b50);
    expect(archive.readUInt32LE(from + size + 4), name).toBe(zlibCrc32(content));
    const mtime = archive.readUInt32LE(at + 46 + nameLength + 5);
    members.push({ name, mode: archive.readUInt32LE(at + 38) >>> 16, content: content.toString(), mtime });
    at += 46 + nameLength + extraLength;
  }
  expect(at).toBe(end);
  return members;
}

function entry(path: string, fields: Partial<Node>, content?: string): ArchivePiece[] {
  const bytes = encodeName(content ?? "");
  const node = sampleNode({ name: path, size: bytes.length, ...fields });
  return [{ entry: { path, node } }, ...(content === undefined ? [] : [{ bytes }])];
}

async function* piecesOf(pieces: ArchivePiece[]): AsyncGenerator<ArchivePiece> {
  yield* pieces;
  await Promise.resolve();
}

async function collect(pieces: ArchivePiece[], options?: { largeFrom: number }): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of zipArchive(piecesOf(pieces), options)) parts.push(part);
  return Buffer.concat(parts);
}
