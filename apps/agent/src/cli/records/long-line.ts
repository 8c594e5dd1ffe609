import type { Node } from "@saveos/engine";
import { formatBytes } from "../../terminal/quantities.ts";
import { padStart } from "../../terminal/text-width.ts";
import { permissions } from "./permissions.ts";

/** `2026-01-31 08:30:00` of an RFC 3339 time, in the zone that the time is in. */
export function plainTime(rfc3339: string): string {
  return rfc3339.slice(0, 19).replace("T", " ");
}

/** One entry as `ls -l` shows it. `path` and `target` are safe to print. */
export function longLine(
  node: Node,
  shown: { path: string; target: string; time: string; humanReadable: boolean },
): string {
  const size = shown.humanReadable ? formatBytes(node.size) : String(node.size);
  const arrow = node.type === "symlink" ? ` -> ${shown.target}` : "";
  const columns = [
    permissions(node.mode).padEnd(10),
    padStart(String(node.uid), 5),
    padStart(String(node.gid), 5),
    padStart(size, shown.humanReadable ? 8 : 10),
    plainTime(shown.time),
  ];
  return `${columns.join(" ")} ${shown.path}${arrow}`;
}
