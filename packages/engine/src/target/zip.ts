import { concatBytes } from "../format/concat-bytes.ts";
import { posixFromGoMode } from "../format/file-mode.ts";
import { encodeName } from "../format/names.ts";
import type { Node } from "../format/node.ts";
import { type ArchiveEntry, type ArchivePiece, ContentCounter } from "./archive.ts";
import { crc32 } from "./crc32.ts";

/**
 * Writes a zip archive (PKWARE APPNOTE 6.3.10) as a stream: contents are stored as they are, their checksums follow them, and zip64 is used only
 * where it is needed. Holds files, directories and symbolic links; anything else has no place in a zip and is left out. What is kept
 * of an entry in memory is its place in the central directory, some 100 bytes beside its name.
 * Throws `corrupt-data` for a file whose content is not as long as its node says. `largeFrom` is for tests: the size or offset from which zip64 is
 * used.
 */
export async function* zipArchive(
  pieces: AsyncIterable<ArchivePiece>,
  { largeFrom = inZip64 }: { readonly largeFrom?: number } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const counter = new ContentCounter();
  const directory: Uint8Array[] = [];
  let offset = 0;
  let current: Member | undefined;

  const finishCurrent = (): Uint8Array => {
    if (!current) return new Uint8Array();
    directory.push(centralHeader(current));
    return descriptor(current);
  };

  for await (const piece of pieces) {
    let out: Uint8Array;
    if ("bytes" in piece) {
      out = piece.bytes;
      counter.add(out);
      if (current) current.crc = crc32(current.crc, out);
    } else {
      counter.begin(piece.entry);
      out = finishCurrent();
      current = memberOf(piece.entry, offset + out.length, largeFrom);
      if (current) out = concatBytes([out, localHeader(current), current.inline]);
    }
    offset += out.length;
    yield out;
  }
  counter.begin(undefined);
  const last = finishCurrent();
  yield last;
  yield* directory;
  yield endOfDirectory(directory, offset + last.length);
}

interface Member {
  readonly name: Uint8Array;
  readonly node: Node;
  readonly offset: number;
  readonly size: number;
  /** Its size is in the zip64 field. */
  readonly isLarge: boolean;
  /** Its offset is in the zip64 field. */
  readonly isFar: boolean;
  /** The target of a link is its content. */
  readonly inline: Uint8Array;
  crc: number;
}

function memberOf({ path, node }: ArchiveEntry, offset: number, largeFrom: number): Member | undefined {
  if (node.type !== "file" && node.type !== "dir" && node.type !== "symlink") return undefined;
  const name = encodeName(node.type === "dir" ? `${path}/` : path);
  const inline = node.type === "symlink" ? encodeName(node.linkTarget) : new Uint8Array();
  const size = node.type === "file" ? node.size : inline.length;
  const [isLarge, isFar] = [size >= largeFrom, offset >= largeFrom];
  return { name, node, offset, size, isLarge, isFar, inline, crc: crc32(0, inline) };
}

/** In a field of four bytes: look into the zip64 field. */
const inZip64 = 0xffffffff;
const zip64Version = 45;
const unixMadeBy = (3 << 8) | zip64Version;

function localHeader(member: Member): Uint8Array {
  const extra = concatBytes([timeExtra(member.node), member.isLarge ? zip64Extra([0, 0]) : new Uint8Array()]);
  return fields(
    [4, 0x04034b50],
    ...commonFields(member),
    // Checksum and sizes follow the content.
    [4, 0],
    [4, member.isLarge ? inZip64 : 0],
    [4, member.isLarge ? inZip64 : 0],
    [2, member.name.length],
    [2, extra.length],
    member.name,
    extra,
  );
}

function descriptor(member: Member): Uint8Array {
  const width = member.isLarge ? 8 : 4;
  return fields([4, 0x08074b50], [4, member.crc], [width, member.size], [width, member.size]);
}

function centralHeader(member: Member): Uint8Array {
  const large = [...(member.isLarge ? [member.size, member.size] : []), ...(member.isFar ? [member.offset] : [])];
  const extra = concatBytes([timeExtra(member.node), large.length > 0 ? zip64Extra(large) : new Uint8Array()]);
  return fields(
    [4, 0x02014b50],
    [2, unixMadeBy],
    ...commonFields(member),
    [4, member.crc],
    [4, member.isLarge ? inZip64 : member.size],
    [4, member.isLarge ? inZip64 : member.size],
    [2, member.name.length],
    [2, extra.length],
    // No comment, first disk, no internal attributes.
    [2, 0],
    [2, 0],
    [2, 0],
    [4, externalAttributes(member.node)],
    [4, member.isFar ? inZip64 : member.offset],
    member.name,
    extra,
  );
}

/** Version needed, flags, method, time, date: the same in both headers. */
function commonFields({ name, node }: Member): [2, number][] {
  const contentIsFollowed = 1 << 3;
  const nameIsUtf8 = 1 << 11;
  const isUtf8 = new TextDecoder().decode(name).includes("\ufffd") ? 0 : nameIsUtf8;
  const [time, date] = dosTime(node.mtimeNs);
  return [
    [2, zip64Version],
    [2, contentIsFollowed | isUtf8],
    [2, 0],
    [2, time],
    [2, date],
  ];
}

function endOfDirectory(directory: readonly Uint8Array[], offset: number): Uint8Array {
  const size = directory.reduce((sum, header) => sum + header.length, 0);
  const count = directory.length;
  const countMax = 0xffff;
  const end = fields(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(count, countMax)],
    [2, Math.min(count, countMax)],
    [4, Math.min(size, inZip64)],
    [4, Math.min(offset, inZip64)],
    [2, 0],
  );
  if (count < countMax && size < inZip64 && offset < inZip64) return end;
  const end64 = fields(
    [4, 0x06064b50],
    [8, 44],
    [2, unixMadeBy],
    [2, zip64Version],
    [4, 0],
    [4, 0],
    [8, count],
    [8, count],
    [8, size],
    [8, offset],
  );
  const locator = fields([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]);
  return concatBytes([end64, locator, end]);
}

function zip64Extra(values: readonly number[]): Uint8Array {
  return fields([2, 0x0001], [2, values.length * 8], ...values.map((value): [8, number] => [8, value]));
}

/** Seconds since 1970 in UTC (Info-ZIP's extended timestamp), because the old time has no zone; left out beyond its 32 bits. */
function timeExtra({ mtimeNs }: Node): Uint8Array {
  const seconds = BigInt.asIntN(64, mtimeNs / 1_000_000_000n);
  if (BigInt.asIntN(32, seconds) !== seconds) return new Uint8Array();
  return fields([2, 0x5455], [2, 5], [1, 1], [4, Number(seconds) >>> 0]);
}

/** Two seconds are the finest, 1980 the first and 2107 the last year. In UTC, so that the archive is the same everywhere. */
function dosTime(mtimeNs: bigint): [time: number, date: number] {
  const time = new Date(Number(mtimeNs / 1_000_000n));
  const year = time.getUTCFullYear();
  if (!(year >= 1980 && year <= 2107)) return [0, (1 << 5) | 1];
  return [
    (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1),
    ((year - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
  ];
}

/** The mode with its type as Unix has it, and DOS's mark for a directory. */
function externalAttributes({ type, mode }: Node): number {
  const types: Partial<Record<Node["type"], number>> = { file: 0o100000, dir: 0o040000, symlink: 0o120000 };
  const dosDirectory = type === "dir" ? 0x10 : 0;
  return ((((types[type] ?? 0) | posixFromGoMode(mode)) << 16) | dosDirectory) >>> 0;
}

type Field = readonly [width: 1 | 2 | 4 | 8, value: number] | Uint8Array;

/** Little-endian numbers and bytes, one after the other. */
function fields(...parts: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.length : part[0]), 0),
  );
  let at = 0;
  for (const part of parts) {
    if (part instanceof Uint8Array) {
      bytes.set(part, at);
      at += part.length;
    } else {
      let [width, rest]: [number, number] = [...part];
      for (; width > 0; width -= 1, at += 1) {
        bytes[at] = rest % 256;
        rest = Math.floor(rest / 256);
      }
    }
  }
  return bytes;
}
