import type { Node } from "@saveos/engine";
import { permissions } from "./permissions.ts";

type FormatTime = (ns: bigint) => string;

/** An entry as restic's `ls --json` prints it (restic manual, "Scripting", ls). */
export function listedNodeRecord(path: string, node: Node, formatTime: FormatTime): Record<string, unknown> {
  return {
    name: node.name,
    type: node.type,
    path,
    uid: node.uid,
    gid: node.gid,
    size: node.type === "file" ? node.size : undefined,
    mode: node.mode || undefined,
    permissions: permissions(node.mode),
    mtime: formatTime(node.mtimeNs),
    atime: formatTime(node.atimeNs),
    ctime: formatTime(node.ctimeNs),
    inode: node.inode || undefined,
    message_type: "node",
    struct_type: "node",
  };
}

/** An entry as restic's `find --json` prints it (restic manual, "Scripting", find). */
export function foundNodeRecord(path: string, node: Node, formatTime: FormatTime): Record<string, unknown> {
  return {
    path,
    permissions: permissions(node.mode),
    type: node.type,
    mode: node.mode || undefined,
    mtime: formatTime(node.mtimeNs),
    atime: formatTime(node.atimeNs),
    ctime: formatTime(node.ctimeNs),
    uid: node.uid,
    gid: node.gid,
    user: node.user || undefined,
    group: node.group || undefined,
    inode: node.inode || undefined,
    device_id: node.deviceId || undefined,
    size: node.size || undefined,
    links: node.links || undefined,
    link_target: node.linkTarget || undefined,
  };
}
