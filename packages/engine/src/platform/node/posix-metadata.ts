import { encodeName } from "../../format/names.ts";
import { posixFromGoMode } from "../../format/file-mode.ts";
import type { Node } from "../../format/node.ts";
import { listAttributesAt, removeAttributeAt, setAttributeAt } from "./posix-attributes.ts";
import type { Descriptor } from "./posix-library.ts";
import { findGroup, findUser } from "./posix-owners.ts";
import { statAt } from "./posix-stat.ts";
import { changeModeAt, changeOwnerAt, changeTimesAt } from "./posix-write.ts";
import { systemCode } from "./target-error.ts";

export interface PosixMetadataOptions {
  readonly ownershipByName: boolean;
  /** Completes "Could not …". */
  readonly onWarning: (message: string, error?: unknown) => void;
}

/**
 * Sets what a node records on the entry `name` of an open directory, in the order that `FileTarget.setMetadata` promises. One thing that
 * can't be set does not keep the others from it. An unprivileged user may not do all of it, such as giving files away: then being refused is
 * no problem worth telling (as restic).
 */
export function setPosixMetadata(
  directory: Descriptor,
  name: Uint8Array,
  node: Node,
  options: PosixMetadataOptions,
): void {
  const attempt = (doing: string, step: () => void): void => {
    try {
      step();
    } catch (error) {
      if (!isRefusedToUnprivileged(error)) options.onWarning(doing, error);
    }
  };
  const { uid, gid } = ownerOf(node, options.ownershipByName);
  attempt("set the owner", () => changeOwnerAt(directory, name, uid, gid));
  setAttributes(directory, name, node, attempt);
  attempt("set the times", () => changeTimesAt(directory, name, node.atimeNs, node.mtimeNs));
  if (node.type !== "symlink")
    attempt("set the mode", () => changeModeAt(directory, name, safeMode(directory, name, node, uid, gid, options)));
}

function isRefusedToUnprivileged(error: unknown): boolean {
  return process.geteuid?.() !== 0 && ["EPERM", "EACCES"].includes(systemCode(error));
}

function ownerOf(node: Node, byName: boolean): { uid: number; gid: number } {
  if (!byName) return node;
  return { uid: findCached(users, findUser, node.user), gid: findCached(groups, findGroup, node.group) };
}

const users = new Map<string, number>();
const groups = new Map<string, number>();

/** An unknown name counts as root's, as in restic: to nobody else may a file be given by mistake. */
function findCached(cache: Map<string, number>, find: (name: Uint8Array) => number | undefined, name: string): number {
  let number = cache.get(name);
  if (number === undefined) {
    number = find(encodeName(name)) ?? 0;
    cache.set(name, number);
  }
  return number;
}

/** Attributes that the system itself keeps on every file, whose absence from a backup means nothing. */
const keptAttributes: ReadonlySet<string> = new Set(["security.selinux", "com.apple.provenance"]);

function setAttributes(
  directory: Descriptor,
  name: Uint8Array,
  node: Node,
  attempt: (doing: string, step: () => void) => void,
): void {
  const wanted = new Set(node.extendedAttributes.map((attribute) => attribute.name));
  let present: string[] = [];
  try {
    present = listAttributesAt(directory, name);
  } catch (error) {
    // A file system without attributes has none to remove; whether wanted ones can be set is seen below.
    if (!noAttributesHere.has(systemCode(error))) attempt("list the extended attributes", () => rethrow(error));
  }
  for (const attribute of node.extendedAttributes)
    attempt(`set the extended attribute ${JSON.stringify(attribute.name)}`, () =>
      setAttributeAt(directory, name, attribute.name, attribute.value),
    );
  for (const attribute of present) {
    if (wanted.has(attribute) || keptAttributes.has(attribute)) continue;
    attempt(`remove the extended attribute ${JSON.stringify(attribute)}`, () =>
      removeAttributeAt(directory, name, attribute),
    );
  }
}

const noAttributesHere: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENODATA"]);

function rethrow(error: unknown): never {
  throw error;
}

/**
 * The mode, without setuid or setgid on a file that could not be given to its owner: a program that ran as one user must not come to run
 * as whoever restored it.
 */
function safeMode(
  directory: Descriptor,
  name: Uint8Array,
  node: Node,
  uid: number,
  gid: number,
  { onWarning }: PosixMetadataOptions,
): number {
  const setuid = 0o4000;
  const setgid = 0o2000;
  const mode = posixFromGoMode(node.mode);
  if (node.type !== "file" || (mode & (setuid | setgid)) === 0) return mode;
  const owner = statAt(directory, name);
  let safe = mode;
  if (owner.uid !== uid) safe &= ~setuid;
  if (owner.gid !== gid) safe &= ~setgid;
  if (safe !== mode) onWarning("keep setuid or setgid, because the file could not be given to its owner");
  return safe;
}
