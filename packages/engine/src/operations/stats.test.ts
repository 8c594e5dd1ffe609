import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { folderStore } from "../platform/node/folder-store.ts";
import { autoClock } from "../platform/testing/auto-clock.ts";
import { loadIndex } from "../repository/load-index.ts";
import { openRepository } from "../repository/open-repository.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import { repositoryStats } from "./stats.ts";
import { inlineCompute } from "../compute/inline.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";

let folder: string;
let repository: Repository;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "saveos-test-"));
  const fixture = join(import.meta.dirname, "../../vectors/saveos-v2-restic0.14.tar.gz");
  execFileSync("tar", ["-xzf", fixture, "-C", folder]);
  const deps = { store: folderStore(join(folder, "v2")), compute: inlineCompute(nodePrimitives), clock: autoClock() };
  repository = await openRepository(deps, { password: "geheim" });
  await loadIndex(repository);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What restic 0.19.1 says with `stats --json --mode …` of the same repository. */
test.each([
  ["restore-size", { totalSize: 34_603_069, totalFileCount: 53 }],
  ["raw-data", { totalSize: 5_009, totalUncompressedSize: 9_974_888, totalBlobCount: 18 }],
  ["files-by-contents", { totalSize: 11_534_358, totalFileCount: 11 }],
  ["blobs-per-file", { totalSize: 9_961_494, totalFileCount: 10, totalBlobCount: 11 }],
] as const)("%s counts what restic counts", async (mode, expected) => {
  const snapshots = await loadSnapshots(repository);
  expect(await repositoryStats(repository, { mode, snapshots })).toMatchObject({ ...expected, snapshotsCount: 3 });
});
