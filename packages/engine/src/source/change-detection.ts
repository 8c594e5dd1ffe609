import type { Node } from "../format/node.ts";
import type { SourceStat } from "./file-source.ts";

/** What does not count as a change. Some file systems give every mount other inodes, and then their ctime is of no use either. */
export interface ChangeDetection {
  readonly ignoreCtime: boolean;
  /** Implies `ignoreCtime`. */
  readonly ignoreInode: boolean;
}

/**
 * Tells whether a regular file is what the parent snapshot has in its place, so that its content need not be read again
 * (restic docs, "File change detection"). The device is never compared: its number changes from boot to boot.
 */
export function isUnchanged(stat: SourceStat, parent: Node, { ignoreCtime, ignoreInode }: ChangeDetection): boolean {
  return (
    stat.type === "file" &&
    parent.type === "file" &&
    stat.size === parent.size &&
    stat.mtimeNs === parent.mtimeNs &&
    (ignoreCtime || ignoreInode || stat.ctimeNs === parent.ctimeNs) &&
    (ignoreInode || stat.inode === parent.inode)
  );
}
