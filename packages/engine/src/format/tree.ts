import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import type { BlobId } from "./ids.ts";
import { parseBlobId } from "./ids.ts";
import { JsonReader } from "./json-reader.ts";
import { jsonArray, jsonString } from "./json-text.ts";
import { compareNames, decodeName, displayName, encodeName, quoteName, unquoteName } from "./names.ts";
import type { ExtendedAttribute, Node, NodeType } from "./node.ts";
import { TextBuffer } from "./text-buffer.ts";
import type { Zone } from "./time.ts";
import { appendTime, parseTime } from "./time.ts";

/**
 * The bytes of a tree blob: the entries of one directory, in the order given, which must be ascending by name (restic design.rst, "Trees and
 * Data"). Times are written as clocks in `zone` showed them. The same nodes and zone always give the same bytes, and so the same ID.
 */
export function encodeTree(nodes: readonly Node[], zone: Zone): Uint8Array {
  const tree = new TreeBuilder(zone);
  for (const node of nodes) tree.add(node);
  return tree.finish();
}

/** `encodeTree` for entries that come one by one. */
export class TreeBuilder {
  readonly #zone: Zone;
  readonly #out: TextBuffer;
  #isEmpty = true;
  #last: string | undefined;

  /** The tree may have more than `expectedBytes`: they only save growing. */
  constructor(zone: Zone, expectedBytes = 0) {
    this.#zone = zone;
    this.#out = new TextBuffer(Math.max(smallTreeBytes, expectedBytes + smallTreeBytes));
    this.#out.append(treeOpening);
  }

  add(node: Node): void {
    if (this.#last !== undefined) assertAscending(this.#last, node.name);
    this.#last = node.name;
    this.#separate();
    writeNode(this.#out, node, this.#zone);
  }

  /** Adds entries of another tree as they stand there, with the commas between them. That they are in their place is the caller's word. */
  addEncoded(entries: Uint8Array): void {
    this.#separate();
    this.#out.appendBytes(entries);
  }

  finish(): Uint8Array {
    this.#out.append("]}\n");
    return this.#out.bytes();
  }

  #separate(): void {
    if (!this.#isEmpty) this.#out.append(",");
    this.#isEmpty = false;
  }
}

/** Room for some ten entries. */
const smallTreeBytes = 4096;

const treeOpening = '{"nodes":[';

/**
 * The entries of a tree blob in the order found: `assertTreeOrder` tells whether it is the right one. Keys that SaveOS does not know are
 * ignored. Throws `corrupt-data` for anything that is not a tree, and for a name that could lead out of its directory.
 */
export function decodeTree(bytes: Uint8Array): Node[] {
  const reader = new JsonReader(bytes, "Tree");
  const nodes: Node[] = [];
  reader.object((key) => {
    if (key === "nodes") reader.array(() => nodes.push(readNode(reader)));
  });
  reader.end();
  return nodes;
}

/** One entry of a tree, from its JSON alone. */
export function decodeTreeEntry(bytes: Uint8Array): Node {
  const reader = new JsonReader(bytes, "Tree");
  const node = readNode(reader);
  reader.end();
  return node;
}

/** Throws `corrupt-data` unless names ascend strictly by their bytes: a tree out of order or with a name twice is not one directory. */
export function assertTreeOrder(nodes: readonly Node[]): void {
  for (let at = 1; at < nodes.length; at += 1) assertAscending((nodes[at - 1] as Node).name, (nodes[at] as Node).name);
}

function assertAscending(before: string, after: string): void {
  const order = compareNames(before, after);
  if (order === 0) throw new EngineError("corrupt-data", `Tree has two entries named "${displayName(after)}"`);
  if (order > 0) {
    throw new EngineError(
      "corrupt-data",
      `Tree has "${displayName(after)}" after "${displayName(before)}": out of order`,
    );
  }
}

/** All keys in restic's order; which of them are left out when empty differs from key to key. */
function writeNode(out: TextBuffer, node: Node, zone: Zone): void {
  invariant(isEntryName(node.name), "an entry of a tree has a name of its own, without a path");
  out.append('{"name":');
  out.append(jsonString(quoteName(node.name)));
  out.append(',"type":');
  out.append(jsonString(node.unknownType ?? node.type));
  if (node.mode !== 0) writeNumber(out, ',"mode":', node.mode);
  out.append(',"mtime":"');
  appendTime(out, node.mtimeNs, zone);
  out.append('","atime":"');
  appendTime(out, node.atimeNs, zone);
  out.append('","ctime":"');
  appendTime(out, node.ctimeNs, zone);
  writeNumber(out, '","uid":', node.uid);
  writeNumber(out, ',"gid":', node.gid);
  if (node.user !== "") writeText(out, ',"user":', jsonString(node.user));
  if (node.group !== "") writeText(out, ',"group":', jsonString(node.group));
  if (node.inode !== 0n) writeNumber(out, ',"inode":', node.inode);
  if (node.deviceId !== 0n) writeNumber(out, ',"device_id":', node.deviceId);
  if (node.size !== 0) writeNumber(out, ',"size":', node.size);
  if (node.links !== 0n) writeNumber(out, ',"links":', node.links);
  if (node.linkTarget !== "") out.append(linkTargetText(node.linkTarget));
  if (node.extendedAttributes.length > 0) out.append(extendedAttributesText(node.extendedAttributes));
  if (node.genericAttributes.size > 0) out.append(genericAttributesText(node.genericAttributes));
  if (node.device !== 0n) writeNumber(out, ',"device":', node.device);
  writeContent(out, node.content);
  if (node.subtree !== undefined) writeText(out, ',"subtree":"', node.subtree, '"');
  out.append("}");
}

function writeText(out: TextBuffer, key: string, value: string, end = ""): void {
  out.append(key);
  out.append(value);
  out.append(end);
}

function writeNumber(out: TextBuffer, key: string, value: number | bigint): void {
  out.append(key);
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) out.appendInteger(Number(value));
  else out.append(String(value));
}

function writeContent(out: TextBuffer, content: readonly BlobId[] | undefined): void {
  if (content === undefined) {
    out.append(',"content":null');
    return;
  }
  out.append(',"content":[');
  let before = '"';
  for (const id of content) {
    writeText(out, before, id, '"');
    before = ',"';
  }
  out.append("]");
}

/** A target that is not UTF-8 is there twice: readable for old programs, and as its bytes. */
function linkTargetText(target: string): string {
  const text = `,"linktarget":${jsonString(target)}`;
  return target.isWellFormed() ? text : `${text},"linktarget_raw":"${encodeName(target).toBase64()}"`;
}

function extendedAttributesText(attributes: readonly ExtendedAttribute[]): string {
  const texts = attributes.map(({ name, value, valueIsNull }) => {
    const valueText = valueIsNull === true ? "null" : `"${value.toBase64()}"`;
    return `{"name":${jsonString(name)},"value":${valueText}}`;
  });
  return `,"extended_attributes":${jsonArray(texts)}`;
}

/** Keys of a Go map are sorted by their bytes. */
function genericAttributesText(attributes: ReadonlyMap<string, string>): string {
  const keys = [...attributes.keys()].toSorted(compareNames);
  const members = keys.map((key) => `${jsonString(key)}:${attributes.get(key)}`);
  return `,"generic_attributes":{${members.join(",")}}`;
}

/** The types by name; a word that is not here is an unknown type. */
const nodeTypes: ReadonlyMap<string, NodeType> = new Map(
  (["file", "dir", "symlink", "dev", "chardev", "fifo", "socket"] as const).map((type) => [type, type]),
);

const noExtendedAttributes: readonly ExtendedAttribute[] = [];
const noGenericAttributes: ReadonlyMap<string, string> = new Map();

function readNode(reader: JsonReader): Node {
  let name: string | undefined;
  let typeText = "";
  let mode = 0;
  let mtime = goZeroTime;
  let atime = goZeroTime;
  let ctime = goZeroTime;
  let uid = 0;
  let gid = 0;
  let user = "";
  let group = "";
  let inode = 0n;
  let deviceId = 0n;
  let size = 0;
  let links = 0n;
  let linkTarget = "";
  let rawLinkTarget: string | undefined;
  let extendedAttributes = noExtendedAttributes;
  let genericAttributes = noGenericAttributes;
  let device = 0n;
  let content: BlobId[] | undefined;
  let subtree: BlobId | undefined;
  // Not `reader.object`: a function for each of a million entries, with two dozen variables to reach, costs as much as the parsing.
  for (let key = reader.firstKey(); key !== undefined; key = reader.nextKey()) {
    switch (key) {
      case "name":
        name = unquoteName(reader.string());
        break;
      case "type":
        typeText = reader.string();
        break;
      case "mode":
        mode = reader.uint32();
        break;
      case "mtime":
        mtime = reader.string();
        break;
      case "atime":
        atime = reader.string();
        break;
      case "ctime":
        ctime = reader.string();
        break;
      case "uid":
        uid = reader.uint32();
        break;
      case "gid":
        gid = reader.uint32();
        break;
      case "user":
        user = reader.string();
        break;
      case "group":
        group = reader.string();
        break;
      case "inode":
        inode = reader.uint64();
        break;
      case "device_id":
        deviceId = reader.uint64();
        break;
      case "size":
        size = reader.safeInteger();
        break;
      case "links":
        links = reader.uint64();
        break;
      case "linktarget":
        linkTarget = reader.string();
        break;
      case "linktarget_raw":
        rawLinkTarget = decodeName(reader.base64());
        break;
      case "extended_attributes":
        extendedAttributes = readExtendedAttributes(reader);
        break;
      case "generic_attributes":
        genericAttributes = readGenericAttributes(reader);
        break;
      case "device":
        device = reader.uint64();
        break;
      case "content":
        content = readContent(reader);
        break;
      case "subtree":
        subtree = parseBlobId(reader.string());
        break;
    }
  }
  const entryName = checkedName(name);
  const type = nodeTypes.get(typeText) ?? "unknown";
  const mtimeNs = parseTime(mtime);
  const node: Node = {
    name: entryName,
    type,
    mode,
    mtimeNs,
    atimeNs: atime === mtime ? mtimeNs : parseTime(atime),
    ctimeNs: ctime === mtime ? mtimeNs : parseTime(ctime),
    uid,
    gid,
    user,
    group,
    inode,
    deviceId,
    size,
    links,
    linkTarget: rawLinkTarget ?? linkTarget,
    extendedAttributes,
    genericAttributes,
    device,
    content: type === "file" || type === "unknown" ? content : undefined,
    subtree: type === "dir" || type === "unknown" ? subtree : undefined,
  };
  return type === "unknown" ? { ...node, unknownType: typeText } : node;
}

/** What Go has in a time that the text does not mention. */
const goZeroTime = "0001-01-01T00:00:00Z";

function checkedName(name: string | undefined): string {
  if (name === undefined) throw new EngineError("corrupt-data", "Tree has an entry without a name");
  if (!isEntryName(name)) {
    const shown = JSON.stringify(displayName(name.slice(0, shownMax)));
    throw new EngineError("corrupt-data", `Tree has an entry named ${shown}, which is no name inside a directory`);
  }
  return name;
}

/** Enough of a bad name to recognise it. */
const shownMax = 100;

/** Names that no directory can hold lead elsewhere or end early: an attack, or damage. */
export function isEntryName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !name.includes("/") && !name.includes("\0");
}

function readExtendedAttributes(reader: JsonReader): ExtendedAttribute[] {
  const attributes: ExtendedAttribute[] = [];
  reader.array(() => {
    let name = "";
    let value: Uint8Array | undefined;
    reader.object((key) => {
      if (key === "name") name = reader.string();
      else if (key === "value") value = reader.base64();
    });
    attributes.push(value === undefined ? { name, value: new Uint8Array(0), valueIsNull: true } : { name, value });
  });
  return attributes;
}

function readGenericAttributes(reader: JsonReader): Map<string, string> {
  const attributes = new Map<string, string>();
  reader.object((key) => attributes.set(key, reader.raw()));
  return attributes;
}

function readContent(reader: JsonReader): BlobId[] {
  const content: BlobId[] = [];
  reader.array(() => content.push(parseBlobId(reader.string())));
  return content;
}
