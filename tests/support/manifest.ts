import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "./run.ts";

/** Everything that a restore must bring back, by path below the root. Made with Node and `getfattr` alone, not with our own engine. */
export type Manifest = Record<string, ManifestEntry>;

export interface ManifestEntry {
  readonly type: string;
  /** Permission bits in octal, with setuid, setgid and sticky. */
  readonly mode: string;
  readonly owner: string;
  readonly mtimeNs: bigint;
  /** Files only. */
  readonly size?: number;
  readonly sha256?: string;
  /** The first path of the hard-linked files that this is one of. */
  readonly linkedWith?: string;
  readonly linkTarget?: string;
  readonly device?: string;
  readonly attributes?: string;
}

export interface ManifestOptions {
  /** Leave the times of directories out: something wrote into them since. */
  readonly ignoreFolderTimes?: boolean;
}

/** Paths are printed with bytes that are not UTF-8 as `\xNN`. */
export async function manifestOf(root: string, options: ManifestOptions = {}): Promise<Manifest> {
  const manifest: Manifest = {};
  const firstLink = new Map<string, string>();
  const attributes = await attributesBelow(root);
  await walk(Buffer.from(root), "");
  return manifest;

  async function walk(folder: Buffer, shown: string): Promise<void> {
    const entries = await readdir(folder, { encoding: "buffer" });
    for (const name of entries.toSorted((a, b) => Buffer.compare(a, b))) {
      const path = Buffer.concat([folder, Buffer.from("/"), name]);
      const shownPath = `${shown}/${show(name)}`;
      const entry = await describe(path, shownPath);
      manifest[shownPath] = entry;
      if (entry.type === "dir") await walk(path, shownPath);
    }
  }

  async function describe(path: Buffer, shownPath: string): Promise<ManifestEntry> {
    const stat = await lstat(path, { bigint: true });
    const type = typeOf(Number(stat.mode));
    const linkKey = `${stat.dev}/${stat.ino}`;
    const found = attributes.get(path.toString("latin1"));
    const entry: Record<string, unknown> = {
      type,
      mode: (Number(stat.mode) & 0o7777).toString(8),
      owner: `${stat.uid}:${stat.gid}`,
      mtimeNs: type === "dir" && options.ignoreFolderTimes ? 0n : stat.mtimeNs,
    };
    if (found !== undefined) entry["attributes"] = found;
    if (type === "file") {
      entry["size"] = Number(stat.size);
      entry["sha256"] = await hashOf(path);
    }
    if (type === "symlink") entry["linkTarget"] = show(await readlink(path, { encoding: "buffer" }));
    if (type === "dev" || type === "chardev") entry["device"] = stat.rdev.toString();
    if (type !== "dir" && stat.nlink > 1n) {
      entry["linkedWith"] = firstLink.get(linkKey) ?? shownPath;
      firstLink.set(linkKey, entry["linkedWith"] as string);
    }
    return entry as unknown as ManifestEntry;
  }
}

const fileTypes: Readonly<Record<number, string>> = {
  0o140000: "socket",
  0o120000: "symlink",
  0o100000: "file",
  0o060000: "dev",
  0o040000: "dir",
  0o020000: "chardev",
  0o010000: "fifo",
};

function typeOf(mode: number): string {
  return fileTypes[mode & 0o170000] ?? "other";
}

function show(name: Buffer): string {
  const text = name.toString("utf8");
  if (Buffer.from(text).equals(name)) return text;
  return [...name].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join("");
}

async function hashOf(path: Buffer): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}

/** Extended attributes and ACLs of everything below, by path with each byte as one character. */
async function attributesBelow(root: string): Promise<Map<string, string>> {
  const dump = await mustRun("getfattr", ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", root]);
  const byPath = new Map<string, string>();
  for (const block of dump.split("\n\n")) {
    const [head, ...lines] = block.split("\n").filter((line) => line !== "");
    if (head === undefined) continue;
    // getfattr writes odd bytes of a path as backslash and three octal digits.
    const path = Buffer.from(head.replace(/^# file: /, ""), "utf8")
      .toString("latin1")
      .replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    byPath.set(join(path), lines.toSorted().join("\n"));
  }
  return byPath;
}
