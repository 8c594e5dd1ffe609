import { spawnSync } from "node:child_process";
import { chmod, lchown, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** How PostgreSQL's programs are run: it refuses to be root, so root runs them as somebody else. */
export interface RunAs {
  /** The command line that runs `program`. */
  command(program: string, args: readonly string[]): { readonly file: string; readonly args: readonly string[] };
  /** The user and group to run as, if not this process's. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Gives a file or folder and all it holds to the one who runs. */
  own(path: string): Promise<void>;
}

/** A user that no account has, for systems where root can't make a user namespace, such as locked-down containers. */
const unprivilegedId = 54_321;

const unshareArgs = ["--user", "--map-user=1000", "--map-group=1000"];

const asOurselves: RunAs = { command: (program, args) => ({ file: program, args }), own: async () => {} };

/** Root outside, an ordinary user in its own eyes: files belong to root and need no other permissions than ours. */
const inUserNamespace: RunAs = {
  command: (program, args) => ({ file: "unshare", args: [...unshareArgs, program, ...args] }),
  own: async () => {},
};

/**
 * Chooses how to run PostgreSQL on `folder`. A folder keeps the way it began with: its files belong to that user.
 * `canUseNamespaces` is asked only when root starts anew.
 */
export async function chooseRunAs(folder: string, canUseNamespaces = hasUserNamespaces): Promise<RunAs> {
  if (process.getuid?.() !== 0) return asOurselves;
  const { uid, gid } = await stat(join(folder, "cluster")).catch(() => stat(folder));
  if (uid !== 0) return await asUser(folder, uid, gid);
  if (canUseNamespaces()) return inUserNamespace;
  return await asUser(folder, unprivilegedId, unprivilegedId);
}

function hasUserNamespaces(): boolean {
  return spawnSync("unshare", [...unshareArgs, "true"], { stdio: "ignore" }).status === 0;
}

async function asUser(folder: string, uid: number, gid: number): Promise<RunAs> {
  const own = async (path: string) => await changeOwner(path, uid, gid);
  await own(folder);
  // The user must be able to walk through the data folder, though not to see what it holds.
  const parent = dirname(folder);
  await chmod(parent, ((await stat(parent)).mode & 0o7777) | 0o011);
  return { command: (program, args) => ({ file: program, args }), user: { uid, gid }, own };
}

async function changeOwner(path: string, uid: number, gid: number): Promise<void> {
  await lchown(path, uid, gid);
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), uid, gid);
}
