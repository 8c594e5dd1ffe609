import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inlineCompute } from "../compute/inline.ts";
import { decodeName } from "../format/names.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { includeFilter } from "../pattern/path-filter.ts";
import { parsePatterns } from "../pattern/pattern-list.ts";
import { extendedAttributes } from "../platform/node/extended-attributes.ts";
import { folderStore } from "../platform/node/folder-store.ts";
import { nodeTarget } from "../platform/node/node-target.ts";
import { autoClock } from "../platform/testing/auto-clock.ts";
import { memoryTarget } from "../platform/testing/memory-target.ts";
import { plainRestore } from "../platform/testing/plain-restore.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { testLock } from "../platform/testing/test-repository.ts";
import { openRepository } from "../repository/open-repository.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import type { FileTarget } from "../target/file-target.ts";
import type { RestoreProblem } from "../target/restore-report.ts";
import type { RestoreResult } from "../target/run-restore.ts";
import { restore, type RestoreRequest } from "./restore.ts";

const vectors = join(import.meta.dirname, "../../vectors");
const isRoot = process.geteuid?.() === 0;

interface ExpectedFile {
  readonly path_hex: string;
  readonly mode: string;
  readonly size: number | null;
  readonly mtime_ns: number;
  readonly nlink: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly xattr?: Readonly<Record<string, string>>;
}

let folder: string;
let repositoryFolder: string;
let repository: Repository;
let snapshots: StoredSnapshot[];
/** The backup was made of a relative path. */
const sourcePath = "/v2src";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "saveos-restore-"));
  execFileSync("tar", ["-xzf", join(vectors, "saveos-v2-restic0.14.tar.gz"), "-C", folder]);
  repositoryFolder = join(folder, readdirSync(folder)[0] ?? "");
  repository = await open(repositoryFolder);
  snapshots = await loadSnapshots(repository);
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([1, 2])(
  "what stock restic backed up comes back to the byte, mode, nanosecond and attribute (snapshot %i)",
  async (number) => {
    const root = join(folder, `whole-${number}`);
    await using target = nodeTarget(root);
    const { result, problems } = await restoreSnapshot(number, target, { verify: true });
    expect(problems).toEqual([]);
    compareWithExpected(join(root, sourcePath));
    const totalBytes = expectedFiles().reduce(
      (sum, { size, path_hex }) => sum + (nameOf(path_hex) === "hard" ? 0 : (size ?? 0)),
      0,
    );
    expect(result).toEqual({
      totalFiles: expectedFiles().length + 1,
      filesRestored: expectedFiles().length + 1,
      filesSkipped: 0,
      filesDeleted: 0,
      totalBytes,
      bytesRestored: totalBytes,
      bytesSkipped: 0,
      problems: 0,
      verified: {
        files: expectedFiles().filter(({ mode, path_hex }) => isFile(mode) && nameOf(path_hex) !== "hard").length,
        bytes: totalBytes,
      },
    });
  },
);

test("a subfolder is restored as if it were the whole, over the older snapshot, and what it lacks is deleted", async () => {
  const root = join(folder, "subfolder");
  await using target = nodeTarget(root);
  await restoreSnapshot(0, target, { subfolder: sourcePath });
  writeFileSync(join(root, "zero"), "no longer zero");
  mkdirSync(join(root, "extra", "deep"), { recursive: true });
  const { result, problems } = await restoreSnapshot(2, target, { subfolder: sourcePath, delete: true });
  expect(problems).toEqual([]);
  compareWithExpected(root);
  expect(result.filesDeleted).toBe(2);
  expect(readdirSync(root)).not.toContain("extra");
});

test("a second restore writes nothing anew", async () => {
  const root = join(folder, "twice");
  await using target = nodeTarget(root);
  await restoreSnapshot(2, target);
  const { result } = await restoreSnapshot(2, target);
  compareWithExpected(join(root, sourcePath));
  expect(result).toMatchObject({ bytesSkipped: 9_437_184 + 2_097_152 + 16, problems: 0 });
  // Files with several links are written anew, because their other links might lie elsewhere.
  expect(result.bytesRestored).toBe(6);
});

test("sparse restores the same content in less room", async () => {
  const root = join(folder, "sparse");
  await using target = nodeTarget(root);
  await restoreSnapshot(2, target, { subfolder: sourcePath, sparse: true });
  compareWithExpected(root);
  expect(lstatSync(join(root, "zero")).blocks).toBe(0);
});

test("one folder is restored by include, with those above it", async () => {
  const target = memoryTarget();
  const filter = includeFilter(parsePatterns([`${sourcePath}/sub`], { caseInsensitive: false }));
  await restoreSnapshot(2, target, { filter });
  expect(Object.keys(target.contents()).toSorted()).toEqual(["/v2src", "/v2src/sub", "/v2src/sub/f", "/v2src/sub/g"]);
});

test("a damaged pack is named with the bytes it costs, and the rest comes back", async () => {
  const damagedFolder = join(folder, "damaged-repository");
  execFileSync("cp", ["-a", repositoryFolder, damagedFolder]);
  const large = packFiles(damagedFolder).toSorted((a, b) => lstatSync(b).size - lstatSync(a).size)[0] ?? "";
  const bytes = readFileSync(large);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  rmSync(large);
  writeFileSync(large, bytes);
  const { problems, result } = await restoreSnapshot(2, memoryTarget(), { verify: true }, await open(damagedFolder));
  expect(problems.length).toBeGreaterThan(0);
  expect(problems[0]?.message).toMatch(
    /^Bytes \d+ to \d+ of \/v2src\/.* are lost: .*data\/[0-9a-f]{64}, bytes \d+ to \d+/,
  );
  expect(result.filesRestored).toBeGreaterThan(10);
});

test("deleting from the whole system needs a filter", async () => {
  await using target = nodeTarget("/");
  const whole = restoreSnapshot(2, target, { delete: true, dryRun: true });
  await expect(whole).rejects.toMatchObject({
    code: "invalid-input",
    message: expect.stringContaining("destroy the system"),
  });
});

test("a subfolder that is not there, or is a file, is said", async () => {
  await expect(restoreSnapshot(2, memoryTarget(), { subfolder: "/nowhere" })).rejects.toMatchObject({
    code: "not-found",
  });
  await expect(restoreSnapshot(2, memoryTarget(), { subfolder: `${sourcePath}/zero/x` })).rejects.toMatchObject({
    code: "invalid-input",
  });
});

test("the lock is gone afterwards", async () => {
  await restoreSnapshot(2, memoryTarget());
  expect(readdirSync(join(repositoryFolder, "locks"))).toEqual([]);
});

async function open(path: string): Promise<Repository> {
  const deps = { store: folderStore(path), compute: inlineCompute(nodePrimitives), clock: autoClock() };
  return await openRepository(deps, { password: "geheim" });
}

async function restoreSnapshot(
  number: number,
  target: FileTarget,
  given: Partial<RestoreRequest> = {},
  from = repository,
): Promise<{ result: RestoreResult; problems: RestoreProblem[] }> {
  const problems: RestoreProblem[] = [];
  const result = await restore(from, target, {
    snapshot: snapshots[number] as StoredSnapshot,
    ...plainRestore,
    lock: testLock,
    onProblem: (problem) => problems.push(problem),
    ...given,
  });
  return { result, problems };
}

function expectedFiles(): readonly ExpectedFile[] {
  const text = readFileSync(join(vectors, "saveos-v2-restic0.14.expected.json"), "utf8");
  // Nanoseconds since 1970 need more digits than a number has.
  const exact = text.replace(/"mtime_ns": (\d+)/g, '"mtime_ns": "$1"');
  return (JSON.parse(exact) as { files: ExpectedFile[] }).files;
}

function compareWithExpected(root: string): void {
  for (const expected of expectedFiles()) {
    const path = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(expected.path_hex, "hex")]);
    const stat = lstatSync(path, { bigint: true });
    const label = path.toString();
    expect(`0o${stat.mode.toString(8)}`, label).toBe(expected.mode);
    expect(stat.mtimeNs, label).toBe(BigInt(expected.mtime_ns));
    expect(Number(stat.nlink), label).toBe(expected.nlink);
    if (expected.size !== null) expect(Number(stat.size), label).toBe(expected.size);
    if (expected.sha256)
      expect(createHash("sha256").update(readFileSync(path)).digest("hex"), label).toBe(expected.sha256);
    if (expected.target) expect(readlinkSync(path), label).toBe(expected.target);
    if (isRoot) expect([stat.uid, stat.gid], label).toEqual([0n, 0n]);
    expect(attributesOf(path), label).toEqual(expected.xattr ?? {});
  }
}

function attributesOf(path: Buffer): Record<string, string> {
  const attributes = extendedAttributes(decodeName(path), (_, message) => expect.unreachable(message));
  const ofUsers = attributes.filter(({ name }) => name.startsWith("user."));
  return Object.fromEntries(ofUsers.map(({ name, value }) => [name, value.toHex()]));
}

function packFiles(path: string): string[] {
  return readdirSync(join(path, "data"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function isFile(mode: string): boolean {
  return mode.startsWith("0o100") || mode.startsWith("0o104");
}

function nameOf(hex: string): string {
  return Buffer.from(hex, "hex").toString();
}
