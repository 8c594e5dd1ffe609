import { readFileSync } from "node:fs";
import { open, readdir, readFile } from "node:fs/promises";

/** A region is read in parts of this size. */
const partBytes = 16 * 1024 * 1024;

/**
 * What a process and all that it started have in memory, part by part (proc(5): `maps` and `mem`). Needs Linux and root. Neighbouring parts of a region
 * share `overlapBytes`, so that nothing that is no longer than that is cut in two. Files that are mapped to be read only are left out.
 */
export async function* memoryOfProcesses(pid: number, overlapBytes: number): AsyncGenerator<Buffer> {
  const memory = Buffer.alloc(partBytes);
  for (const process of await withDescendants(pid)) {
    const regions = await writableRegions(process).catch(ignoreEnded);
    const file = await open(`/proc/${process}/mem`, "r").catch(ignoreEnded);
    if (regions === undefined || file === undefined) continue;
    await using _open = file;
    for (const { start, end } of regions)
      for (let at = start; at < end; at += partBytes - overlapBytes) {
        const length = Math.min(partBytes, end - at);
        // A page that is not there (a guard page, memory that was given back meanwhile) holds nothing.
        const { bytesRead } = await file.read(memory, 0, length, at).catch(() => ({ bytesRead: 0 }));
        yield memory.subarray(0, bytesRead);
        if (at + length === end) break;
      }
  }
}

/** A helper of the program, such as a database's process for one connection, may end while we look. */
function ignoreEnded(error: unknown): undefined {
  if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
    return undefined;
  throw error;
}

interface Region {
  readonly start: number;
  readonly end: number;
}

async function writableRegions(pid: number): Promise<Region[]> {
  const lines = (await readFile(`/proc/${pid}/maps`, "utf8")).split("\n");
  return lines.flatMap((line) => {
    const [, start = "", end = ""] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    return start === "" ? [] : [{ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) }];
  });
}

async function withDescendants(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const family = new Set([pid]);
  // Children are not always listed after their parents, so until there are no more.
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
  }
  return [...family];
}

/** Undefined for a process that has ended meanwhile. */
function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}
