import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { DemoError } from "./screen.ts";

/** What a folder holds, one line an entry: its type, mode, owner, size, nanoseconds, hash, link. Names as bytes. Uses nothing of SaveOS. */
export type FolderDescription = ReadonlyMap<string, string>;

export async function describeFolder(root: string): Promise<FolderDescription> {
  const lines = new Map<string, string>();
  await walk(Buffer.from(root), Buffer.alloc(0));
  return lines;

  async function walk(folder: Buffer, below: Buffer): Promise<void> {
    for (const name of await readdir(folder, { encoding: "buffer" })) {
      const path = Buffer.concat([folder, slash, name]);
      const shown = Buffer.concat([below, slash, name]);
      const stat = await lstat(path, { bigint: true });
      const facts = [
        stat.mode.toString(8),
        stat.uid,
        stat.gid,
        stat.mtimeNs,
        ...(stat.isDirectory() ? [] : [stat.nlink]),
      ];
      if (stat.isFile()) facts.push(stat.size, await hashOf(path));
      if (stat.isSymbolicLink()) facts.push((await readlink(path, { encoding: "buffer" })).toString("hex"));
      lines.set(shown.toString("latin1"), facts.join(" "));
      if (stat.isDirectory()) await walk(path, shown);
    }
  }
}

const slash = Buffer.from("/");

async function hashOf(path: Buffer): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Fails with the first differences, or tells how much was compared. */
export function compareFolders(before: FolderDescription, after: FolderDescription): { entries: number } {
  const names = new Set([...before.keys(), ...after.keys()]);
  const different = [...names].filter((name) => before.get(name) !== after.get(name));
  if (different.length === 0) return { entries: before.size };
  const shown = different.slice(0, 5).map((name) => {
    return `  ${Buffer.from(name, "latin1").toString()}\n    was      ${before.get(name) ?? "not there"}\n    restored ${after.get(name) ?? "not there"}`;
  });
  throw new DemoError([`${different.length} of ${names.size} entries came back different:`, ...shown].join("\n"));
}
