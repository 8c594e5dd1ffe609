import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The regular files below a folder, as paths relative to it, in the order of their names' code units: the same on every machine. */
export function* filesBelow(folder: string, below = ""): Generator<string> {
  const entries = readdirSync(join(folder, below), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) yield* filesBelow(folder, path);
    else if (entry.isFile()) yield path;
  }
}
