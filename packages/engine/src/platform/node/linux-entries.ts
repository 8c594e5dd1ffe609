import { closeSync, constants, openSync } from "node:fs";
import koffi from "koffi";
import { goModeFromPosix, modeDirectory, modeFifo, modeSocket } from "../../format/file-mode.ts";
import {
  atimeAt,
  ctimeAt,
  deviceAt,
  type EntryTable,
  entryWords,
  gidAt,
  groupAt,
  inodeAt,
  isRegular,
  linksAt,
  modeAt,
  mtimeAt,
  sizeAt,
  uidAt,
  userAt,
} from "../../format/entry-table.ts";
import { markUnknown } from "../../format/entry-words.ts";
import { decodeName } from "../../format/names.ts";
import type { EntriesOptions } from "../../source/file-source.ts";
import type { EventLoopBreather } from "./event-loop-breather.ts";
import { lastingMemory } from "./lasting-memory.ts";
import type { NamesOfUsers } from "./names-of-users.ts";
import { type Descriptor, SystemCallError } from "./posix-library.ts";
import {
  deviceWords,
  statx,
  statxAtimeAt,
  statxCtimeAt,
  statxDeviceAt,
  statxGidAt,
  statxInodeAt,
  statxLinksAt,
  statxModeAt,
  statxMtimeAt,
  statxSizeAt,
  statxUidAt,
  statxWords,
} from "./linux-statx.ts";
import { systemPath } from "./source-path.ts";

/** The names in a directory. Undefined where the C library lacks what this takes. Throws what the system calls throw. */
export const linuxNames: ((path: string, breather: EventLoopBreather) => Promise<string[]>) | undefined = bindNames();

/**
 * Linux: lists a directory and looks at each entry in it, by its name alone, into memory that is used again and again: half of the time that Node's
 * calls by path take, and nothing for the garbage collector. Undefined where the C library lacks what this takes. Throws what the system calls throw.
 */
export const linuxEntries: ReadEntries | undefined = bindEntries();

export type ReadEntries = (
  path: string,
  into: EntryTable,
  breather: EventLoopBreather,
  users: NamesOfUsers,
  options: EntriesOptions,
) => Promise<void>;

function bindNames(): typeof linuxNames {
  const forEachName = bindForEachName();
  return (
    forEachName &&
    (async (path, breather) => {
      const found: string[] = [];
      await forEachName(path, breather, (_directory, start, end) => {
        found.push(decodeName(names.subarray(start, end)));
      });
      return found;
    })
  );
}

function bindEntries(): ReadEntries | undefined {
  const forEachName = bindForEachName();
  if (!forEachName || !statx) return undefined;
  const lookAt = statx;
  return async (path, into, breather, users, { withAtime, wants }) => {
    into.clear();
    const filler = new RowFiller(into, users, withAtime);
    await forEachName(path, breather, (directory, start, end) => {
      if (wants && !wants(decodeName(names.subarray(start, end)))) return;
      const result = lookAt(directory, namesAddress + start);
      if (result === 0) filler.fill(into.add(names, start, end));
      else if (koffi.errno() !== koffi.os.errno["ENOENT"]) markUnknown(into, into.add(names, start, end));
    });
  };
}

/** Calls `visit` with where each name is in `names`, but for `.` and `..`. It must be done with it when it returns. */
type ForEachName = (
  path: string,
  breather: EventLoopBreather,
  visit: (directory: Descriptor, start: number, end: number) => void,
) => Promise<void>;

function bindForEachName(): ForEachName | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const getdents = koffi.load(null).func("intptr_t getdents64(int, _Out_ uint8_t *, size_t)");
    return async (path, breather, visit) => {
      const directory = openSync(systemPath(path), directoryFlags);
      try {
        for (;;) {
          // `names` is shared: nothing else may run until the last of them is visited.
          const length = Number(getdents(directory, names, names.length));
          if (length < 0) throw new SystemCallError("getdents64", koffi.errno());
          if (length === 0) return;
          for (let at = 0; at < length; at += namesView.getUint16(at + direntLengthAt, true)) {
            const start = at + direntNameAt;
            const end = names.indexOf(0, start);
            if (!isDotName(start, end)) visit(directory, start, end);
          }
          await breather.pauseIfDue();
        }
      } finally {
        closeSync(directory);
      }
    };
  } catch {
    return undefined;
  }
}

/** As restic and `ls` would find it: not through a link, not waiting for anything. */
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Room for a thousand names at a time: what the system call and the pauses cost is divided by so many. */
const direntsBytes = 32 * 1024;

const { bytes: names, address: namesAddress } = lastingMemory(direntsBytes);
const namesView = new DataView(names.buffer);

/** In `struct linux_dirent64` (getdents64(2)). */
const direntLengthAt = 16;
const direntNameAt = 19;

/** Turns what `statx` wrote into the words of a row, as `NodeStat` and `metadata` would have it. */
class RowFiller {
  readonly #entries: EntryTable;
  readonly #users: NamesOfUsers;
  readonly #withAtime: boolean;
  // Neighbours mostly have the same mode and owner.
  #posixMode = -1;
  #goMode = 0;
  #uid = -1;
  #user = 0;
  #gid = -1;
  #group = 0;

  constructor(entries: EntryTable, users: NamesOfUsers, withAtime: boolean) {
    this.#entries = entries;
    this.#users = users;
    this.#withAtime = withAtime;
  }

  fill(row: number): void {
    const { words } = this.#entries;
    const at = row * entryWords;
    const mode = this.#mode((statxWords[statxModeAt] as number) & 0xffff);
    words[at + modeAt] = mode;
    words[at + uidAt] = statxWords[statxUidAt] as number;
    words[at + gidAt] = statxWords[statxGidAt] as number;
    words[at + linksAt] = hasLinks(mode) ? (statxWords[statxLinksAt] as number) : 0;
    copyWords(words, at + inodeAt, statxInodeAt, 2);
    const device = deviceWords(statxDeviceAt);
    words[at + deviceAt] = device.low;
    words[at + deviceAt + 1] = device.high;
    copyWords(words, at + mtimeAt, statxMtimeAt, 3);
    copyWords(words, at + atimeAt, this.#withAtime ? statxAtimeAt : statxMtimeAt, 3);
    copyWords(words, at + ctimeAt, statxCtimeAt, 3);
    copyWords(words, at + sizeAt, statxSizeAt, 2);
    words[at + userAt] = this.#userText(statxWords[statxUidAt] as number);
    words[at + groupAt] = this.#groupText(statxWords[statxGidAt] as number);
  }

  #mode(posixMode: number): number {
    if (posixMode !== this.#posixMode) {
      this.#posixMode = posixMode;
      this.#goMode = goModeFromPosix(posixMode);
    }
    return this.#goMode;
  }

  #userText(uid: number): number {
    if (uid !== this.#uid) {
      this.#uid = uid;
      this.#user = this.#entries.textNumber(this.#users.user(uid));
    }
    return this.#user;
  }

  #groupText(gid: number): number {
    if (gid !== this.#gid) {
      this.#gid = gid;
      this.#group = this.#entries.textNumber(this.#users.group(gid));
    }
    return this.#group;
  }
}

function isDotName(start: number, end: number): boolean {
  const length = end - start;
  return length <= 2 && names[start] === dot && (length === 1 || names[start + 1] === dot);
}

const dot = 0x2e;

/** As in a node: directories, fifos and sockets have none. */
function hasLinks(mode: number): boolean {
  return isRegular(mode) || (mode & (modeDirectory | modeFifo | modeSocket)) === 0;
}

function copyWords(words: Uint32Array, to: number, from: number, count: number): void {
  for (let word = 0; word < count; word += 1) words[to + word] = statxWords[from + word] as number;
}
