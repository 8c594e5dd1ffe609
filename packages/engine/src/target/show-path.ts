import { displayName } from "../format/names.ts";
import type { TargetPath } from "./file-target.ts";

/** A place in the target as one path from its root, `/` between the names: what filters match and what reports carry. Not escaped. */
export function joinPath(path: TargetPath): string {
  return `/${path.join("/")}`;
}

/** The same, safe to print. */
export function showPath(path: TargetPath): string {
  return displayName(joinPath(path));
}
