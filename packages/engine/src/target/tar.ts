import { concatBytes } from "../format/concat-bytes.ts";
import { posixFromGoMode } from "../format/file-mode.ts";
import { encodeName } from "../format/names.ts";
import type { Node } from "../format/node.ts";
import { type ArchiveEntry, type ArchivePiece, ContentCounter } from "./archive.ts";

/**
 * Writes a tar archive (POSIX.1-2017 `pax`, "pax Interchange Format"): what the old header can't hold, such as long names, nanoseconds, large
 * sizes and extended attributes, goes into a pax header before it. GNU tar, bsdtar and Go read these. Sockets and entries of
 * unknown type are left out. Throws `corrupt-data` for a file whose content is not as long as its node says.
 */
export async function* tarArchive(pieces: AsyncIterable<ArchivePiece>): AsyncGenerator<Uint8Array, void, undefined> {
  const counter = new ContentCounter();
  let contentBytes = 0;
  for await (const piece of pieces) {
    if ("bytes" in piece) {
      counter.add(piece.bytes);
      contentBytes += piece.bytes.length;
      yield piece.bytes;
    } else {
      counter.begin(piece.entry);
      yield concatBytes([padding(contentBytes), ...headers(piece.entry)]);
      contentBytes = 0;
    }
  }
  counter.begin(undefined);
  yield concatBytes([padding(contentBytes), new Uint8Array(2 * blockBytes)]);
}

const blockBytes = 512;

function padding(bytes: number): Uint8Array {
  return new Uint8Array((blockBytes - (bytes % blockBytes)) % blockBytes);
}

/** By node type; the others have no place in a tar archive. */
const typeFlags: Partial<Record<Node["type"], string>> = {
  file: "0",
  symlink: "2",
  chardev: "3",
  dev: "4",
  dir: "5",
  fifo: "6",
};
const paxFlag = "x";

function headers({ path, node }: ArchiveEntry): Uint8Array[] {
  const flag = typeFlags[node.type];
  if (flag === undefined) return [];
  const fields = fieldsOf(path, node);
  const records = paxRecords(fields, node);
  const main = ustarHeader(flag, fields);
  if (records.length === 0) return [main];
  const pax = ustarHeader(paxFlag, {
    ...emptyFields,
    path: encodeName("PaxHeader"),
    mode: 0o644,
    size: records.length,
  });
  return [pax, records, padding(records.length), main];
}

interface Fields {
  readonly path: Uint8Array;
  readonly linkPath: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly user: Uint8Array;
  readonly group: Uint8Array;
  readonly major: number;
  readonly minor: number;
}

const nothing = new Uint8Array();
const emptyFields: Fields = {
  path: nothing,
  linkPath: nothing,
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeSeconds: 0,
  user: nothing,
  group: nothing,
  major: 0,
  minor: 0,
};

function fieldsOf(path: string, node: Node): Fields {
  return {
    path: encodeName(node.type === "dir" ? `${path}/` : path),
    linkPath: encodeName(node.linkTarget),
    mode: posixFromGoMode(node.mode),
    uid: node.uid,
    gid: node.gid,
    size: node.type === "file" ? node.size : 0,
    mtimeSeconds: Number(node.mtimeNs / nsPerSecond),
    user: encodeName(node.user),
    group: encodeName(node.group),
    // As Linux puts the two numbers into one (`makedev`).
    major: Number(((node.device >> 8n) & 0xfffn) | ((node.device >> 32n) & 0xfffff000n)),
    minor: Number((node.device & 0xffn) | ((node.device >> 12n) & 0xffffff00n)),
  };
}

/** The lengths of the header's fields, in order (`ustar` interchange format). */
const lengths = {
  path: 100,
  mode: 8,
  uid: 8,
  gid: 8,
  size: 12,
  mtime: 12,
  checksum: 8,
  flag: 1,
  linkPath: 100,
  magic: 8,
  user: 32,
  group: 32,
  major: 8,
  minor: 8,
};

function ustarHeader(flag: string, fields: Fields): Uint8Array {
  const header = new Uint8Array(blockBytes);
  let at = 0;
  const put = (bytes: Uint8Array, length: number): void => {
    header.set(bytes.subarray(0, length), at);
    at += length;
  };
  const text = (value: string, length: number): void => put(encodeName(value), length);
  const octal = (value: number, length: number): void =>
    text((isOctal(value, length) ? value : 0).toString(8).padStart(length - 1, "0"), length);
  put(fields.path, lengths.path);
  octal(fields.mode, lengths.mode);
  octal(fields.uid, lengths.uid);
  octal(fields.gid, lengths.gid);
  octal(fields.size, lengths.size);
  octal(fields.mtimeSeconds, lengths.mtime);
  const checksumAt = at;
  text(" ".repeat(lengths.checksum), lengths.checksum);
  text(flag, lengths.flag);
  put(fields.linkPath, lengths.linkPath);
  text("ustar\x0000", lengths.magic);
  put(fields.user, lengths.user);
  put(fields.group, lengths.group);
  octal(fields.major, lengths.major);
  octal(fields.minor, lengths.minor);
  // The sum is taken with blanks in its own place.
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(encodeName(`${sum.toString(8).padStart(6, "0")}\0 `), checksumAt);
  return header;
}

/** Whether a field of so many bytes holds the number in octal, with a NUL after it. */
function isOctal(value: number, length: number): boolean {
  return value >= 0 && value < 8 ** (length - 1);
}

function paxRecords(fields: Fields, node: Node): Uint8Array {
  const records: [key: string, value: Uint8Array][] = [];
  const bytes = (key: string, value: Uint8Array, room: number): void => {
    if (value.length > room) records.push([key, value]);
  };
  const number = (key: string, value: number, room: number): void => {
    if (!isOctal(value, room)) records.push([key, encodeName(String(value))]);
  };
  bytes("path", fields.path, lengths.path);
  bytes("linkpath", fields.linkPath, lengths.linkPath);
  bytes("uname", fields.user, lengths.user - 1);
  bytes("gname", fields.group, lengths.group - 1);
  // Without this, readers take values for UTF-8 and refuse or change what is not.
  if (records.some(([, value]) => !isUtf8(value))) records.unshift(["hdrcharset", encodeName("BINARY")]);
  number("uid", fields.uid, lengths.uid);
  number("gid", fields.gid, lengths.gid);
  number("size", fields.size, lengths.size);
  number("SCHILY.devmajor", fields.major, lengths.major);
  number("SCHILY.devminor", fields.minor, lengths.minor);
  records.push(["mtime", paxTime(node.mtimeNs)], ["atime", paxTime(node.atimeNs)], ["ctime", paxTime(node.ctimeNs)]);
  for (const { name, value } of node.extendedAttributes) {
    // An equals sign would end the key.
    if (!name.includes("=")) records.push([`SCHILY.xattr.${name}`, value]);
  }
  return concatBytes(records.map(([key, value]) => paxRecord(key, value)));
}

/** `length key=value\n`, where the length counts its own digits too. */
function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = concatBytes([encodeName(` ${key}=`), value, encodeName("\n")]);
  let length = rest.length + String(rest.length).length;
  length = rest.length + String(length).length;
  return concatBytes([encodeName(String(length)), rest]);
}

const nsPerSecond = 1_000_000_000n;

function paxTime(ns: bigint): Uint8Array {
  const sign = ns < 0n ? "-" : "";
  const absolute = ns < 0n ? -ns : ns;
  const fraction = String(absolute % nsPerSecond).padStart(9, "0");
  return encodeName(`${sign}${absolute / nsPerSecond}.${fraction}`);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
