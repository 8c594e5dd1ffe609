import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The folder that holds all that the bench makes. Leaving its scope removes what was not there before, unless it is to be kept. */
export interface Workspace extends Disposable {
  readonly path: string;
  readonly corporaFolder: string;
  /** What the measured programs print. */
  readonly logFolder: string;
  /** An empty folder for repositories and restores, gone with its scope. */
  scratch(name: string): Disposable & { readonly path: string };
}

export interface WorkspaceOptions {
  /** Everything happens in `saveos-bench` below it; undefined for a folder of its own among the system's temporary ones. */
  readonly folder: string | undefined;
  /** Leave corpora, repositories, logs and the built agent. */
  readonly keep: boolean;
}

export async function openWorkspace({ folder, keep }: WorkspaceOptions): Promise<Workspace> {
  const path =
    folder === undefined ? await mkdtemp(join(tmpdir(), "saveos-bench-")) : join(resolve(folder), "saveos-bench");
  const corporaFolder = join(path, "corpora");
  /** The first folder of that path that was not there. */
  const made = mkdirSync(corporaFolder, { recursive: true });
  const logFolder = join(path, "logs");
  mkdirSync(logFolder, { recursive: true });
  const found = new Set(readdirSync(corporaFolder));
  return {
    path,
    corporaFolder,
    logFolder,
    scratch: (name) => {
      const scratch = join(path, name);
      remove(scratch);
      mkdirSync(scratch);
      return { path: scratch, [Symbol.dispose]: () => (keep ? undefined : remove(scratch)) };
    },
    [Symbol.dispose]: () => {
      if (keep) return;
      remove(logFolder);
      if (folder === undefined) remove(path);
      else if (made !== undefined) remove(made);
      else for (const name of readdirSync(corporaFolder)) if (!found.has(name)) remove(join(corporaFolder, name));
    },
  };
}

/** With everything below it. Synchronous: hundreds of thousands of files go several times faster so. */
export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
