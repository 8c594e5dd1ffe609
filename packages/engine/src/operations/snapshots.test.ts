import { beforeEach, expect, test } from "vitest";
import { backUp } from "../platform/testing/back-up.ts";
import { memorySource } from "../platform/testing/memory-source.ts";
import { newTestRepository } from "../platform/testing/test-repository.ts";
import { loadIndex } from "../repository/load-index.ts";
import type { Repository } from "../repository/repository.ts";
import { parsePatterns } from "../pattern/pattern-list.ts";
import { findFiles } from "./find-files.ts";
import { listFiles, type ListRequest } from "./list-files.ts";
import { findSnapshot, groupSnapshots, listSnapshots } from "./snapshots.ts";

const source = memorySource({
  home: { "notes.txt": "x", photos: { "a.jpg": "j", raw: { "b.nef": "n" } } },
  etc: { hosts: "h" },
});
const secondNs = 1_000_000_000n;
let repository: Repository;

beforeEach(async () => {
  repository = await newTestRepository();
  const back = async (at: bigint, request: Parameters<typeof backUp>[2]) =>
    await backUp(repository, source, { ...request, timeNs: 1_700_000_000n * secondNs + at * secondNs });
  await back(3n, { hostname: "beta", targets: ["/home"], tags: ["weekly"] });
  await back(1n, { hostname: "alpha", targets: ["/home"] });
  await back(2n, { hostname: "alpha", targets: ["/etc", "/home"], tags: ["daily", "weekly"] });
  await loadIndex(repository);
});

test("snapshots come oldest first", async () => {
  expect((await listSnapshots(repository)).map(({ time }) => time)).toEqual(
    (await listSnapshots(repository)).map(({ time }) => time).toSorted(),
  );
});

test.each([
  [{ hosts: ["alpha"] }, 2],
  [{ hosts: ["alpha", "beta"] }, 3],
  [{ tagLists: [["weekly"]] }, 2],
  [{ tagLists: [["weekly", "daily"]] }, 1],
  [{ tagLists: [["daily"], ["weekly"]] }, 2],
  [{ tagLists: [[""]] }, 1],
  [{ paths: ["/etc"] }, 1],
  [{ hosts: ["gamma"] }, 0],
])("the filter %j leaves %i", async (filter, count) => {
  expect(await listSnapshots(repository, filter)).toHaveLength(count);
});

test("latest is the newest that fits", async () => {
  expect((await findSnapshot(repository, "latest")).snapshot.hostname).toBe("beta");
  expect((await findSnapshot(repository, "latest", { hosts: ["alpha"] })).snapshot.tags).toEqual(["daily", "weekly"]);
  await expect(findSnapshot(repository, "latest", { hosts: ["gamma"] })).rejects.toMatchObject({ code: "not-found" });
});

test("a snapshot is found by a prefix, with a folder behind it", async () => {
  const [first] = await listSnapshots(repository);
  expect(await findSnapshot(repository, `${first!.id.slice(0, 10)}:/home/photos`)).toMatchObject({
    snapshot: { id: first!.id },
    subfolder: "/home/photos",
  });
  await expect(findSnapshot(repository, "zzzz")).rejects.toMatchObject({ code: "not-found" });
  await expect(findSnapshot(repository, "")).rejects.toMatchObject({ code: "not-found" });
});

test("snapshots are grouped by what is asked", async () => {
  const snapshots = await listSnapshots(repository);
  const sizes = (by: Parameters<typeof groupSnapshots>[1]) =>
    groupSnapshots(snapshots, by).map((group) => group.snapshots.length);
  expect(sizes({ host: true, paths: false, tags: false })).toEqual([2, 1]);
  expect(sizes({ host: true, paths: true, tags: false })).toEqual([1, 1, 1]);
  expect(sizes({ host: false, paths: false, tags: false })).toEqual([3]);
});

test.each<[ListRequest, string[]]>([
  [
    {},
    ["/home", "/home/notes.txt", "/home/photos", "/home/photos/a.jpg", "/home/photos/raw", "/home/photos/raw/b.nef"],
  ],
  [{ paths: ["/home/photos"] }, ["/home/photos", "/home/photos/a.jpg", "/home/photos/raw"]],
  [
    { paths: ["/home/photos/"], recursive: true },
    ["/home/photos", "/home/photos/a.jpg", "/home/photos/raw", "/home/photos/raw/b.nef"],
  ],
  [{ paths: ["/home/notes.txt"] }, ["/home/notes.txt"]],
  [{ paths: ["/missing"] }, []],
])("ls with %j lists what restic lists", async (request, paths) => {
  const { snapshot } = await findSnapshot(repository, "latest");
  expect((await Array.fromAsync(listFiles(repository, snapshot, request))).map(({ path }) => path)).toEqual(paths);
});

test("find looks through all snapshots by pattern", async () => {
  const found = findFiles(repository, {
    snapshots: await listSnapshots(repository),
    patterns: parsePatterns(["*.nef"]),
  });
  expect((await Array.fromAsync(found)).map(({ path }) => path)).toEqual(Array(3).fill("/home/photos/raw/b.nef"));
});
