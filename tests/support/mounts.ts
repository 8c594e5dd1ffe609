import { mkdir } from "node:fs/promises";
import { run } from "./run.ts";

/** Whether this process may mount file systems: as root on Linux, outside of containers that forbid it. Else the reason why not. */
export async function mountRefusal(): Promise<string | undefined> {
  const { code, stderr } = await run("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).catch(
    (error: unknown) => ({
      code: 1,
      stderr: String(error),
    }),
  );
  return code === 0 ? undefined : `nothing can be mounted here: ${stderr.trim()}`;
}

export interface Mount extends AsyncDisposable {
  /** Gives a disk more room. */
  resize(size: string): Promise<void>;
}

/** A disk of its own in memory at this path, which is made; `size` such as `6m`. Gone with its scope. */
export async function smallDisk(path: string, size: string): Promise<Mount> {
  await mkdir(path, { recursive: true });
  await must("mount", "-t", "tmpfs", "-o", `size=${size}`, "none", path);
  return mountAt(path);
}

/** The same folder once more at another path, where nothing can be written. */
export async function readOnlyView(folder: string, path: string): Promise<Mount> {
  await mkdir(path, { recursive: true });
  await must("mount", "--bind", folder, path);
  await must("mount", "-o", "remount,bind,ro", path);
  return mountAt(path);
}

function mountAt(path: string): Mount {
  return {
    resize: async (size) => await must("mount", "-o", `remount,size=${size}`, path),
    [Symbol.asyncDispose]: async () => await must("umount", "--lazy", path),
  };
}

async function must(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${stderr}`);
}
