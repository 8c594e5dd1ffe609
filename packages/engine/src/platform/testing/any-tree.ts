import * as fc from "fast-check";
import { goModeFromPosix } from "../../format/file-mode.ts";
import { type BlobId, parseBlobId } from "../../format/ids.ts";
import { compareNames, decodeName, encodeName } from "../../format/names.ts";
import type { ExtendedAttribute, Node } from "../../format/node.ts";

const wellFormed = fc.string({ unit: "binary", maxLength: 6 });
const uint32 = fc.nat({ max: 0xffffffff });
const uint64 = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const blobId: fc.Arbitrary<BlobId> = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => parseBlobId(bytes.toHex()));
const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 6 }), wellFormed.map(encodeName));
const entryName = anyBytes
  .map((bytes) => decodeName(bytes.filter((byte) => byte !== 0x2f && byte !== 0)))
  .filter((name) => name !== "" && name !== "." && name !== "..");
/** From year 0 to 9999, a day away from both ends so that any zone stays inside. */
const timeNs = fc.bigInt({ min: -62_167_132_800_000_000_000n, max: 253_402_214_400_000_000_000n });
const extendedAttribute: fc.Arbitrary<ExtendedAttribute> = fc.oneof(
  fc.record({ name: wellFormed, value: fc.uint8Array({ maxLength: 6 }) }),
  fc.record({ name: wellFormed, value: fc.constant(new Uint8Array(0)), valueIsNull: fc.constant(true as const) }),
);
const genericAttribute = fc
  .tuple(
    wellFormed,
    fc.jsonValue().filter((value) => value !== null),
  )
  .map(([key, value]): [string, string] => [key, JSON.stringify(value)]);

const anyNode: fc.Arbitrary<Node> = fc
  .record({
    name: entryName,
    type: fc.constantFrom("file", "dir", "symlink", "dev", "chardev", "fifo", "socket"),
    mode: uint32,
    mtimeNs: timeNs,
    atimeNs: timeNs,
    ctimeNs: timeNs,
    uid: uint32,
    gid: uint32,
    user: wellFormed,
    group: wellFormed,
    inode: uint64,
    deviceId: uint64,
    size: fc.maxSafeNat(),
    links: uint64,
    linkTarget: anyBytes.map(decodeName),
    extendedAttributes: fc.array(extendedAttribute, { maxLength: 3 }),
    genericAttributes: fc.array(genericAttribute, { maxLength: 3 }).map((members) => new Map(members)),
    device: uint64,
    content: fc.option(fc.array(blobId, { maxLength: 3 }), { nil: undefined }),
    subtree: fc.option(blobId, { nil: undefined }),
  })
  .map((node) => ({
    ...node,
    content: node.type === "file" ? node.content : undefined,
    subtree: node.type === "dir" ? node.subtree : undefined,
  }));

/** The entries of one directory, in their order. Modes are any number. */
export const anyTree: fc.Arbitrary<readonly Node[]> = fc
  .uniqueArray(anyNode, { selector: ({ name }) => name, maxLength: 8 })
  .map((nodes) => nodes.toSorted((a, b) => compareNames(a.name, b.name)));

/** The same, with modes that say the type and link counts of 32 bits, as all file systems have them. */
export const anyRealTree: fc.Arbitrary<readonly Node[]> = anyTree.map((nodes) =>
  nodes.map((node) => ({
    ...node,
    mode: goModeFromPosix((posixTypes.get(node.type) ?? 0) | (node.mode & 0o7777)),
    links: BigInt.asUintN(32, node.links),
  })),
);

/** POSIX `S_IF…`. */
const posixTypes: ReadonlyMap<Node["type"], number> = new Map([
  ["fifo", 0o010000],
  ["chardev", 0o020000],
  ["dir", 0o040000],
  ["dev", 0o060000],
  ["file", 0o100000],
  ["symlink", 0o120000],
  ["socket", 0o140000],
]);
