import { readFile, readlink, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../../server-error.ts";

/** What a running PostgreSQL writes about itself into `postmaster.pid` (PostgreSQL's `miscadmin.h` lists the lines). */
export interface PostmasterFile {
  readonly pid: number;
  readonly socketFolder: string;
  readonly status: string;
}

const pidLine = 0;
const socketFolderLine = 4;
const statusLine = 7;

/** Reads the file, or nothing if there is none or it is being written. The process it names may be long gone. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(cluster, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number(lines[pidLine]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, socketFolder: lines[socketFolderLine] ?? "", status: lines[statusLine]?.trim() ?? "" };
}

/** Whether the process `pid` runs and is the PostgreSQL of `cluster`. After a restart of the machine the same number may be anyone's. */
export async function isPostgresOf(pid: number, cluster: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform !== "linux") return true;
  // PostgreSQL works in its cluster's folder. A link that we may not read is another user's: PostgreSQL itself will judge it.
  return await readlink(`/proc/${pid}/cwd`).then(
    async (folder) => folder === (await realpath(cluster)),
    (error: unknown) => errorCode(error) === "EACCES",
  );
}

/**
 * Puts this process's id in place of one that belongs to somebody else now. PostgreSQL would take the stranger for a running PostgreSQL and refuse to
 * start, but knows that its own parent isn't one; it still checks the rest of the file, so a leftover of the old server is noticed.
 */
export async function adoptForeignPid(cluster: string, pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  const path = join(cluster, "postmaster.pid");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace(/^\d+/, String(process.pid)));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
