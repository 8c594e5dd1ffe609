import { createHash } from "node:crypto";
import { lstat, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { platform } from "@saveos/contract";
import { create } from "tar";
import type { z } from "zod";
import { ProblemError } from "../../http/problem.ts";

type Platform = z.infer<typeof platform>;

/** A built agent in one file, and the name of just these bytes. */
export interface AgentArchive {
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** A file of the build, by its path below the folder and what tells that it has changed. */
interface BuiltFile {
  readonly path: string;
  readonly stamp: string;
}

/** The folder in the archive, so that unpacking it leaves one thing behind. */
const folderInArchive = "saveos-agent";

/** What npm names the native add-on of a kind of machine by, such as `koffi-win32-x64`. */
const namesOfPlatforms: Readonly<Record<Platform, string>> = { linux: "linux", macos: "darwin", windows: "win32" };

/** Packs what `npm run build` made, once a build and platform: it is asked for by every machine that enrols. */
export class AgentArchives {
  readonly #folder: string;
  readonly #packed = new Map<Platform, { readonly build: string; readonly archive: Promise<AgentArchive> }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws 503 if there is no build. */
  async of(platform: Platform): Promise<AgentArchive> {
    const files = (await filesOfBuild(this.#folder)).filter(({ path }) => isFor(platform, path));
    const build = files.map(({ path, stamp }) => `${path} ${stamp}`).join("\n");
    const known = this.#packed.get(platform);
    if (known?.build === build) return await known.archive;
    const archive = pack(
      this.#folder,
      files.map(({ path }) => path),
    );
    this.#packed.set(platform, { build, archive });
    // What couldn't be read now may be there at the next try.
    archive.catch(() => this.#packed.delete(platform));
    return await archive;
  }
}

async function filesOfBuild(folder: string): Promise<BuiltFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  if (!files.includes(join(folder, "saveos-agent.js"))) {
    throw new ProblemError(
      503,
      "The agent was not built on this server. Whoever runs it does that with `npm run build`, and need not start it anew.",
    );
  }
  const stamped = files.map(async (file) => {
    const { size, mtimeMs, mode } = await lstat(file);
    return { path: relative(folder, file), stamp: `${size} ${mtimeMs} ${mode}` };
  });
  return (await Promise.all(stamped)).toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The add-on of the machine that it was built on is of no use on another kind. */
function isFor(platform: Platform, path: string): boolean {
  const addOnFor = /@koromix[\\/]koffi-([a-z0-9]+)-/.exec(path)?.[1];
  return addOnFor === undefined || addOnFor === namesOfPlatforms[platform];
}

/** Leaves out times and owners, so that the same build is always the same archive. */
async function pack(folder: string, paths: string[]): Promise<AgentArchive> {
  const options = { cwd: folder, prefix: folderInArchive, gzip: true, portable: true, noMtime: true };
  const bytes = await create(options, paths).concat();
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}
