import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { runCommand } from "../run-command.ts";

/** The Debian release whose Swift refuses an object that does not have the checksum declared for it; that of Debian 12 stores it. */
const release = "forky";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Brings the Python code of a newer Swift than this Debian has: downloaded once with apt, checked by its keyring, unpacked into the tests'
 * cache and nowhere else. Resolves with the folder for PYTHONPATH; rejects with the reason why it can't be had.
 */
export async function bringNewerSwift(): Promise<string> {
  const folder = join(cacheFolder(), `swift-${release}`);
  const pythonPath = join(folder, "usr/lib/python3/dist-packages");
  if (await exists(pythonPath)) return pythonPath;
  await mkdir(dirname(folder), { recursive: true });
  // Beside its place, so that a download that is cut off is never taken for a whole one.
  const work = await mkdtemp(`${folder}-`);
  try {
    await downloadInto(work);
    await rename(join(work, "unpacked"), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return pythonPath;
}

async function downloadInto(work: string): Promise<void> {
  for (const name of ["lists/partial", "cache/archives/partial"]) await mkdir(join(work, name), { recursive: true });
  const sources = join(work, "sources.list");
  await writeFile(sources, `deb [signed-by=${keyring}] ${await debianMirror()} ${release} main\n`);
  const settings = {
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(work, "lists"),
    "Dir::Cache": join(work, "cache"),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await mustRun("apt-get", ["-qq", ...options, "update"], work);
  await mustRun("apt-get", ["-qq", ...options, "download", "python3-swift"], work);
  const [file] = (await readdir(work)).filter((name) => name.startsWith("python3-swift_"));
  if (file === undefined) throw new Error("apt-get downloaded no python3-swift");
  await mustRun("dpkg", ["-x", file, "unpacked"], work);
}

/** The mirror that this machine takes its own packages from. */
async function debianMirror(): Promise<string> {
  const more = await readdir("/etc/apt/sources.list.d").catch(() => []);
  for (const file of ["/etc/apt/sources.list", ...more.map((name) => join("/etc/apt/sources.list.d", name))]) {
    const text = await readFile(file, "utf8").catch(() => "");
    const mirror = /^[^#\n]*?(https?:\/\/\S+\/debian\/?)(?=\s|$)/m.exec(text)?.[1];
    if (mirror !== undefined) return mirror;
  }
  throw new Error("apt's sources name no Debian mirror");
}

async function mustRun(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { ok, output } = await runCommand(command, "env", ["--chdir", cwd, command, ...args]);
  if (!ok) throw new Error(`${command} ${args.at(-1) ?? ""} failed: ${output.trim().split("\n").at(-1) ?? ""}`);
}

function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "saveos-tests");
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
