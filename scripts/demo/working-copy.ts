import { appendFile, lstat, mkdir, readdir, rm, statfs } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { makeSampleFolder } from "./sample-folder.ts";
import { runProgram } from "./programs.ts";
import { bytes, DemoError } from "./screen.ts";
import type { Workspace } from "./workspace.ts";

export interface WorkingCopy {
  readonly path: string;
  readonly files: number;
  readonly size: number;
}

/** The copy itself, the repository and what is restored. */
const copiesOnDisk = 3;

/** The folder that the demo changes and loses: a copy of the one given, which is never touched, or a sample. */
export async function workingCopy(workspace: Workspace, given: string | undefined): Promise<WorkingCopy> {
  const path = join(workspace.path, "folder", given === undefined ? "documents" : basename(resolve(given)));
  if (given === undefined) await makeSampleFolder(path);
  else await copyFolder(resolve(given), path, workspace);
  return { path, ...(await measure(path)) };
}

async function copyFolder(from: string, to: string, workspace: Workspace): Promise<void> {
  const stat = await lstat(from).catch(() => undefined);
  if (!stat?.isDirectory()) throw new DemoError(`${from} is not a folder`);
  const { size } = await measure(from);
  const { bavail, bsize } = await statfs(workspace.path);
  if (size * copiesOnDisk > bavail * bsize)
    throw new DemoError(
      `${from} has ${bytes(size)}; the demo needs three times that, and ${workspace.path} has ${bytes(bavail * bsize)} left`,
    );
  await mkdir(join(to, ".."), { recursive: true });
  await runProgram("cp", [process.platform === "darwin" ? "-Rp" : "-a", from, to]);
}

async function measure(folder: string): Promise<{ files: number; size: number }> {
  let files = 0;
  let size = 0;
  for await (const { stat } of filesBelow(folder)) {
    files += 1;
    size += stat.size;
  }
  return { files, size };
}

/** Writes a line more into the smallest file; resolves with its name. */
export async function changeOneFile(folder: string): Promise<string> {
  let smallest: { path: string; size: number } | undefined;
  for await (const { path, stat } of filesBelow(folder))
    if (!smallest || stat.size < smallest.size) smallest = { path, size: stat.size };
  if (!smallest) throw new DemoError(`${folder} has no file that could be changed`);
  await appendFile(smallest.path, "\nOne more line.\n");
  return relative(folder, smallest.path);
}

export async function loseFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true });
}

/** Regular files only; links are not followed. */
async function* filesBelow(folder: string): AsyncGenerator<{ path: string; stat: { size: number } }> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield { path, stat: await lstat(path) };
    if (entry.isDirectory()) yield* filesBelow(path);
  }
}
