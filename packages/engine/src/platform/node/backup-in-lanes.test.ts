import { unlinkSync } from "node:fs";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findSubfolder } from "../../operations/restore/find-subfolder.ts";
import { findSnapshot } from "../../operations/snapshots.ts";
import { check } from "../../operations/check.ts";
import type { Compute } from "../../compute/compute.ts";
import type { Problem } from "../../operations/backup/backup-request.ts";
import { backUp } from "../testing/back-up.ts";
import { quickCompute } from "../testing/quick-compute.ts";
import { newTestRepository, testLock } from "../testing/test-repository.ts";
import { nodeCompute } from "./node-compute.ts";
import { nodeSource } from "./node-source.ts";
import { nodePrimitives } from "./primitives.ts";

const mib = 1024 * 1024;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "saveos-lanes-"));
  await mkdir(join(folder, "many"));
  for (let number = 0; number < 600; number++)
    await writeFile(join(folder, "many", `${number}.txt`), `note ${number % 550}\n`.repeat(number % 50));
  const repeated = nodePrimitives.randomBytes(1 * mib);
  await writeFile(join(folder, "a-large"), Buffer.concat([repeated, nodePrimitives.randomBytes(3 * mib), repeated]));
  await writeFile(join(folder, "b-medium"), nodePrimitives.randomBytes(5 * mib));
  await writeFile(join(folder, "c-limit"), new Uint8Array(4 * mib));
  await writeFile(join(folder, "z-last"), "the end");
});
afterAll(() => rm(folder, { recursive: true }));

/** The ways in which the same work can be done. */
const ways: readonly (readonly [string, Compute])[] = [
  ["two threads", nodeCompute({ workers: 2 })],
  ["a lane in this thread", nodeCompute({ workers: 0 })],
  ["no lane", quickCompute],
];

async function repositoryWith({ lanes }: Compute) {
  const repository = await newTestRepository();
  return { ...repository, compute: { ...repository.compute, lanes } };
}

test("a backup is the same by threads, by a lane in this thread, and without lanes", async () => {
  const results: unknown[] = [];
  // The chunker's polynomial and the key differ from one repository to the next, so all back up to one.
  const repository = await newTestRepository();
  for (const [, { lanes }] of ways) {
    const fresh = { ...(await newTestRepository()), config: repository.config, masterKey: repository.masterKey };
    const backedUp = { ...fresh, compute: { ...fresh.compute, lanes } };
    const { snapshotId = "", summary } = await backUp(backedUp, nodeSource(), { targets: [folder] });
    const { snapshot } = await findSnapshot(backedUp, snapshotId);
    // Not the snapshot's own tree: folders above this one change while the test runs.
    const tree = await findSubfolder(backedUp, snapshot, folder, {});
    const { filesNew, dataBlobs, treeBlobs, totalBytesProcessed } = summary;
    results.push({ tree, filesNew, dataBlobs, treeBlobs, totalBytesProcessed });
  }
  expect(results[0]).toMatchObject({ filesNew: 604 });
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test.each(ways)("what was saved by %s can be read to the last byte", async (_name, compute) => {
  const repository = await repositoryWith(compute);
  await backUp(repository, nodeSource(), { targets: [folder], packSizeBytes: 4 * mib });
  const findings: unknown[] = [];
  await check(repository, { lock: testLock, readData: "all", onFinding: (finding) => findings.push(finding) });
  expect(findings).toEqual([]);
});

test.each(ways)(
  "by %s, files that vanish before they are read are told, and the rest is saved",
  async (_name, compute) => {
    const repository = await repositoryWith(compute);
    const place = await mkdtemp(join(folder, "vanishing-"));
    for (const name of ["a", "b", "c"]) await writeFile(join(place, name), `content of ${name}`);
    await writeFile(join(place, "large"), nodePrimitives.randomBytes(9 * mib));
    const source = nodeSource();
    const problems: Problem[] = [];
    const { summary } = await backUp(repository, vanishing(source, [join(place, "b"), join(place, "large")]), {
      targets: [place],
      onProblem: (problem) => problems.push(problem),
    });
    await rm(place, { recursive: true });
    expect(problems.map(({ path }) => path).toSorted()).toEqual([join(place, "b"), join(place, "large")]);
    expect(summary.filesNew).toBe(2);
  },
);

test.each(ways)("by %s, a backup that is cancelled rejects and leaves nothing running", async (_name, compute) => {
  const repository = await repositoryWith(compute);
  const cancelled = new AbortController();
  const backingUp = backUp(repository, nodeSource(), {
    targets: [folder],
    signal: cancelled.signal,
    onProgress: ({ filesDone }) => {
      if (filesDone > 10) cancelled.abort(new RangeError("enough"));
    },
  });
  await expect(backingUp).rejects.toThrow("enough");
  // The lanes begin anew for the next one.
  const { summary } = await backUp(repository, nodeSource(), { targets: [join(folder, "many")] });
  expect(summary.totalFilesProcessed).toBe(600);
});

/** Removes files right after they were looked at. */
function vanishing(source: ReturnType<typeof nodeSource>, paths: readonly string[]): typeof source {
  return {
    ...source,
    metadata(path, stat, options) {
      const metadata = source.metadata(path, stat, options);
      if (paths.includes(path)) unlinkSync(path);
      return metadata;
    },
  };
}
