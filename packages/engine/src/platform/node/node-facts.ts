import type { EntryFacts } from "../../format/entry-words.ts";
import { goModeFromPosix } from "../../format/file-mode.ts";
import type { NamesOfUsers } from "./names-of-users.ts";
import type { FullStat } from "./node-stat.ts";

/** What a node says of an entry as far as `lstat` and the names of owners go. The size is that of whatever it is. */
export function factsOf(stat: FullStat, users: NamesOfUsers, withAtime: boolean): EntryFacts {
  const { type, mode, mtimeNs, atimeNs, ctimeNs, uid, gid, inode, deviceId, size, links } = stat;
  return {
    mode: goModeFromPosix(mode),
    mtimeNs,
    atimeNs: withAtime ? atimeNs : mtimeNs,
    ctimeNs,
    uid,
    gid,
    user: users.user(uid),
    group: users.group(gid),
    inode,
    deviceId,
    size,
    links: type === "dir" || type === "fifo" || type === "socket" ? 0n : links,
  };
}
