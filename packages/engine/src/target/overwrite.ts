import type { Node } from "../format/node.ts";
import type { TargetEntry } from "./file-target.ts";

/**
 * What happens to an entry that is there already, as restic's `--overwrite`:
 * - `always`: it becomes as the snapshot has it
 * - `if-changed`: as well, but a file of the same size and time is taken to have the right content without reading it
 * - `if-newer`: only if the snapshot's is younger
 * - `never`: it stays as it is
 */
export const overwriteModes = ["always", "if-changed", "if-newer", "never"] as const;

export type Overwrite = (typeof overwriteModes)[number];

/** Whether what is there (undefined: nothing) gives way to the node, with content and metadata. */
export function mayOverwrite(mode: Overwrite, node: Node, existing: TargetEntry | undefined): boolean {
  if (!existing) return true;
  if (mode === "if-newer") return node.mtimeNs > existing.mtimeNs;
  return mode !== "never";
}

/** Whether an existing file's content is taken for right without reading it. */
export function isTrusted(mode: Overwrite, node: Node, existing: TargetEntry): boolean {
  return mode === "if-changed" && existing.size === node.size && existing.mtimeNs === node.mtimeNs;
}
