import type { ExtendedAttribute, Node } from "../../format/node.ts";
import { sameBytes } from "../../store/same-bytes.ts";

/** Whether two entries are the same in everything that a snapshot keeps of them; the order of their attributes does not matter. */
export function sameNode(a: Node, b: Node): boolean {
  return sameButContent(a, b) && sameContent(a, b);
}

/** The same, whatever the blobs of a file are. */
export function sameButContent(a: Node, b: Node): boolean {
  return (
    plainFields.every((field) => a[field] === b[field]) &&
    sameMap(a.genericAttributes, b.genericAttributes) &&
    sameAttributes(a.extendedAttributes, b.extendedAttributes)
  );
}

const plainFields = [
  "name",
  "type",
  "unknownType",
  "mode",
  "mtimeNs",
  "atimeNs",
  "ctimeNs",
  "uid",
  "gid",
  "user",
  "group",
  "inode",
  "deviceId",
  "size",
  "links",
  "linkTarget",
  "device",
  "subtree",
] as const satisfies readonly (keyof Node)[];

export function sameContent({ content: a }: Node, { content: b }: Node): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((id, nr) => id === b[nr]);
}

function sameMap(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

function sameAttributes(a: readonly ExtendedAttribute[], b: readonly ExtendedAttribute[]): boolean {
  if (a.length !== b.length) return false;
  const values = new Map(a.map(({ name, value }) => [name, value]));
  return b.every(({ name, value }) => {
    const other = values.get(name);
    return other !== undefined && sameBytes(other, value);
  });
}
