import { lstatSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "./files-below.ts";

/** The sum of the sizes of all files below, in bytes. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const name of filesBelow(folder)) bytes += lstatSync(join(folder, name)).size;
  return bytes;
}
