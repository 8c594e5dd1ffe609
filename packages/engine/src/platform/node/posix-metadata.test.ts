import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { modeSetgid, modeSetuid, modeSticky } from "../../format/file-mode.ts";
import type { EntryMetadata, MetadataOptions } from "../../target/file-target.ts";
import { sampleNode } from "../testing/sample-node.ts";
import { extendedAttributes } from "./extended-attributes.ts";
import { PosixTarget } from "./posix-target.ts";

const isRoot = process.geteuid?.() === 0;

let root: string;
let target: PosixTarget;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "saveos-metadata-"));
  target = new PosixTarget(root);
  await target.makeDirectory([]);
});
afterEach(async () => {
  await target[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

type Way = (metadata: EntryMetadata, options: MetadataOptions) => Promise<void>;

/** The three ways to metadata must lead to the same. */
const ways: Record<string, Way> = {
  "by its name": async (metadata, options) => {
    await (await target.createFile(["f"]))[Symbol.asyncDispose]();
    await target.setMetadata(["f"], metadata, options);
  },
  "while it is open": async (metadata, options) => {
    await using file = await target.createFile(["f"]);
    await file.setMetadata(metadata, options);
  },
  "as it is written": async (metadata, options) => {
    await target.writeNewFile(["f"], new Uint8Array(3), metadata, options);
  },
};

describe.each(Object.entries(ways))("metadata set on a file %s", (_, set) => {
  test("is all there, the times to the nanosecond", async () => {
    const value = Uint8Array.of(1, 0, 2);
    const metadata = sampleNode({
      name: "f",
      mode: 0o640,
      mtimeNs: -1n,
      atimeNs: 1_700_000_000_123_456_789n,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
      extendedAttributes: [{ name: "user.a", value }],
    });
    await set(metadata, loud);
    const stat = lstatSync(join(root, "f"), { bigint: true });
    expect(stat).toMatchObject({ mtimeNs: -1n, atimeNs: 1_700_000_000_123_456_789n });
    expect(Number(stat.mode) & 0o7777).toBe(0o640);
    expect(attributes()).toEqual([{ name: "user.a", value }]);
  });

  test.runIf(isRoot)("gives the file away, and then only sets what the new owner may run as", async () => {
    const mode = 0o751 | modeSetuid | modeSetgid | modeSticky;
    await set(sampleNode({ name: "f", mode, uid: 1234, gid: 5678 }), loud);
    expect(lstatSync(join(root, "f"))).toMatchObject({ uid: 1234, gid: 5678 });
    expect(lstatSync(join(root, "f")).mode & 0o7777).toBe(0o7751);
  });

  test("is refused for what is no file", async () => {
    const setting = set(sampleNode({ name: "f", type: "dir" }), loud);
    await expect(setting).rejects.toMatchObject({ code: "target-unwritable" });
  });

  test("tells what can't be set, and sets the rest", async () => {
    const warnings: string[] = [];
    const metadata = sampleNode({
      name: "f",
      mode: 0o604,
      uid: process.geteuid?.() ?? 0,
      extendedAttributes: [{ name: "nonsense", value: new Uint8Array(1) }],
    });
    await set(metadata, {
      ownershipByName: false,
      onWarning: (path, message) => warnings.push(`${path.join("/")}: ${message}`),
    });
    expect(warnings).toEqual([expect.stringContaining('f: Could not set the extended attribute "nonsense"')]);
    expect(lstatSync(join(root, "f")).mode & 0o7777).toBe(0o604);
  });

  test.runIf(hasAccessLists())("takes away the access list that the file inherited", async () => {
    execFileSync("setfacl", ["-d", "-m", "u:daemon:rwx", root]);
    await set(sampleNode({ name: "f", mode: 0o600 }), loud);
    expect(attributes()).toEqual([]);
    expect(lstatSync(join(root, "f")).mode & 0o7777).toBe(0o600);
  });
});

test("a file whose metadata can't be set stays private", async () => {
  const failing = target.writeNewFile(["f"], new Uint8Array(3), sampleNode({ name: "f", type: "fifo" }), loud);
  await expect(failing).rejects.toMatchObject({ code: "target-unwritable" });
  expect(lstatSync(join(root, "f")).mode & 0o7777).toBe(0o600);
});

function hasAccessLists(): boolean {
  try {
    execFileSync("setfacl", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const loud: MetadataOptions = {
  ownershipByName: false,
  onWarning: (_, message) => expect.unreachable(message),
};

function attributes(): unknown {
  return extendedAttributes(join(root, "f"), (_, message) => expect.unreachable(message));
}
