import { realpath } from "node:fs/promises";
import path from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { systemErrorCode } from "../errors/system-error.ts";
import { readGuarded } from "./guarded-file.ts";
import { parseObject } from "./text-fields.ts";

/**
 * The folders into which orders may restore what comes from another machine's repository. Anybody may seal a password to this machine, so whoever has the server in
 * his hands could order a restore of a repository of his own making: into these folders, and nowhere else. No file means none. Rejects with `bad-settings`.
 */
export async function readRestoreFolders(file: string): Promise<readonly string[]> {
  const text = await readGuarded(file, "have any file of this machine replaced");
  if (text === undefined) return [];
  const { folders, ...rest } = parseObject(file, text);
  const isGood = Array.isArray(folders) && folders.every((each) => typeof each === "string" && path.isAbsolute(each));
  if (isGood && Object.keys(rest).length === 0) return folders as string[];
  throw new AgentError("bad-settings", `${file} must hold absolute paths under the one name "folders".`, {
    hint: 'Write { "folders": ["/srv/restored"] }.',
  });
}

/** Whether `target` is one of the folders or lies in one, wherever links on the way lead. */
export async function isAllowed(target: string, folders: readonly string[]): Promise<boolean> {
  const real = await realPath(target);
  for (const folder of folders) {
    const way = path.relative(await realPath(folder), real);
    if (way === "" || (!path.isAbsolute(way) && way.split(path.sep)[0] !== "..")) return true;
  }
  return false;
}

/** The path without links, as far as it is there. */
async function realPath(wanted: string): Promise<string> {
  try {
    return await realpath(wanted);
  } catch (error) {
    const parent = path.dirname(wanted);
    if (systemErrorCode(error) !== "ENOENT" || parent === wanted) throw error;
    return path.join(await realPath(parent), path.basename(wanted));
  }
}
