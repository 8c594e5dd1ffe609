import { beforeAll, expect, test } from "vitest";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { backUp } from "../platform/testing/back-up.ts";
import { directory, file, memorySource, symlink } from "../platform/testing/memory-source.ts";
import { newTestRepository, testLock } from "../platform/testing/test-repository.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { dump, type DumpRequest } from "./dump.ts";

/** Several chunks of no pattern, the same in every run. */
const large = new Uint8Array(5_000_000).map((_, at) => (at * at * 31 + (at >> 3)) % 256);

let repository: Repository;
let snapshot: StoredSnapshot;

beforeAll(async () => {
  repository = await newTestRepository();
  const home = directory({
    "large.bin": file(large),
    link: symlink("large.bin"),
    "small.txt": "small",
    sub: { "empty.txt": "" },
  });
  await backUp(repository, memorySource({ home }));
  snapshot = (await loadSnapshots(repository))[0] as StoredSnapshot;
});

test("a file comes out byte for byte, whatever the slashes of its path", async () => {
  expect((await dumped({ path: "/home/large.bin" })).equals(large)).toBe(true);
  expect((await dumped({ path: "home//small.txt" })).toString()).toBe("small");
  expect((await dumped({ path: "/home/sub/empty.txt" })).length).toBe(0);
  expect((await dumped({ path: "/small.txt", subfolder: "/home" })).toString()).toBe("small");
});

test("a folder comes out as a tar archive with the names that lead to it", async () => {
  const archive = await dumped({ path: "/home" });
  expect(tarNames(archive)).toEqual([
    "home/large.bin",
    "home/link",
    "home/small.txt",
    "home/sub/",
    "home/sub/empty.txt",
  ]);
  expect(archive.indexOf(Buffer.from(large))).toBeGreaterThan(0);
  expect(tarNames(await dumped({ path: "/" }))[0]).toBe("home/");
  expect(tarNames(await dumped({ path: "sub", subfolder: "home" }))).toEqual(["sub/empty.txt"]);
});

test("a folder comes out as a zip archive too", async () => {
  const archive = await dumped({ path: "/home/sub", archive: "zip" });
  expect(archive.subarray(0, 4).toString("latin1")).toBe("PK\x03\x04");
  expect(archive.includes("home/sub/empty.txt")).toBe(true);
});

test("what is not there, or no file or folder, is said", async () => {
  await expect(dumped({ path: "/home/absent" })).rejects.toMatchObject({ code: "not-found" });
  await expect(dumped({ path: "/home/small.txt/x" })).rejects.toMatchObject({ code: "invalid-input" });
  await expect(dumped({ path: "/home/link" })).rejects.toMatchObject({ code: "invalid-input" });
});

test("the lock is given back, also by a reader who stops half-way", async () => {
  for await (const _ of dump(repository, request({ path: "/home/large.bin" }))) break;
  expect(await Array.fromAsync(repository.store.list("locks"))).toEqual([]);
});

test("a reader who is told to stop stops", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(dumped({ path: "/home/large.bin", signal })).rejects.toThrow("enough");
});

function request(given: Partial<DumpRequest> & { path: string }): DumpRequest {
  return { snapshot, archive: "tar", lock: testLock, ...given };
}

async function dumped(given: Partial<DumpRequest> & { path: string }): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of dump(repository, request(given))) parts.push(part);
  return Buffer.concat(parts);
}

/** The names in the archive's own headers, without its pax headers. */
function tarNames(archive: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; archive[at] !== 0;) {
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 135), 8);
    if (archive.toString("latin1", at + 156, at + 157) !== "x")
      names.push(archive.toString("utf8", at, archive.indexOf(0, at)));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return names;
}
