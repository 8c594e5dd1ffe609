import { encodeName } from "../../format/names.ts";
import { posixFromGoMode } from "../../format/file-mode.ts";
import type { EntryMetadata } from "../../target/file-target.ts";
import type { EntryState, PosixEntry } from "./posix-entry.ts";
import { findGroup, findUser } from "./posix-owners.ts";
import { systemCode } from "./target-error.ts";

export interface PosixMetadataOptions {
  readonly ownershipByName: boolean;
  /** Completes "Could not …". */
  readonly onWarning: (message: string, error?: unknown) => void;
}

type Attempt = (doing: string, step: () => void) => void;

const permissionBits = 0o7777;

/**
 * Sets what a node records on an entry, in the order that `FileTarget.setMetadata` promises. One thing that can't be set does not keep the others
 * from it. An unprivileged user may not do all of it, such as giving files away: then being refused is no problem worth telling (as restic).
 *
 * `before` is what the entry is now. What is as wanted already is not set: each call is an entry in the file system's journal, and most new files have their owner.
 */
export function setPosixMetadata(
  entry: PosixEntry,
  before: EntryState,
  metadata: EntryMetadata,
  options: PosixMetadataOptions,
): void {
  const attempt: Attempt = (doing, step) => {
    try {
      step();
    } catch (error) {
      if (!isRefusedToUnprivileged(error)) options.onWarning(doing, error);
    }
  };
  const owner = ownerOf(metadata, options.ownershipByName);
  const isOwned = isOwnedBy(before, owner);
  if (!isOwned) attempt("set the owner", () => entry.changeOwner(owner.uid, owner.gid));
  const hadAttributes = setAttributes(entry, metadata, attempt);
  attempt("set the times", () => entry.changeTimes(metadata.atimeNs, metadata.mtimeNs));
  if (metadata.type === "symlink") return;
  attempt("set the mode", () => {
    const mode = safeMode(entry, metadata, owner, options);
    // A new owner may have cost some bits, and an access list is partly the mode.
    if (!isOwned || hadAttributes || (before.mode & permissionBits) !== (mode & permissionBits)) entry.changeMode(mode);
  });
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

function isOwnedBy(stat: EntryState, { uid, gid }: Owner): boolean {
  return stat.uid === uid && stat.gid === gid;
}

function isRefusedToUnprivileged(error: unknown): boolean {
  return process.geteuid?.() !== 0 && ["EPERM", "EACCES"].includes(systemCode(error));
}

function ownerOf(metadata: EntryMetadata, byName: boolean): Owner {
  if (!byName) return metadata;
  return { uid: findCached(users, findUser, metadata.user), gid: findCached(groups, findGroup, metadata.group) };
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

/** Whether there were any, or are now. */
function setAttributes(entry: PosixEntry, { extendedAttributes }: EntryMetadata, attempt: Attempt): boolean {
  let present: readonly string[] = [];
  try {
    present = entry.listAttributes();
  } catch (error) {
    // A file system without attributes has none to remove; whether wanted ones can be set is seen below.
    if (!noAttributesHere.has(systemCode(error))) attempt("list the extended attributes", () => rethrow(error));
  }
  if (present.length === 0 && extendedAttributes.length === 0) return false;
  const wanted = new Set(extendedAttributes.map(({ name }) => name));
  for (const { name, value } of extendedAttributes)
    attempt(`set the extended attribute ${JSON.stringify(name)}`, () => entry.setAttribute(name, value));
  for (const name of present) {
    if (wanted.has(name) || keptAttributes.has(name)) continue;
    attempt(`remove the extended attribute ${JSON.stringify(name)}`, () => entry.removeAttribute(name));
  }
  return true;
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
  entry: PosixEntry,
  metadata: EntryMetadata,
  wanted: Owner,
  { onWarning }: PosixMetadataOptions,
): number {
  const setuid = 0o4000;
  const setgid = 0o2000;
  const mode = posixFromGoMode(metadata.mode);
  if (metadata.type !== "file" || (mode & (setuid | setgid)) === 0) return mode;
  const owner = entry.stat();
  let safe = mode;
  if (owner.uid !== wanted.uid) safe &= ~setuid;
  if (owner.gid !== wanted.gid) safe &= ~setgid;
  if (safe !== mode) onWarning("keep setuid or setgid, because the file could not be given to its owner");
  return safe;
}
