import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { loadBlob } from "../repository/load-blob.ts";
import { loadIndex } from "../repository/load-index.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import { backupStream } from "./backup-stream.ts";
import { listFiles } from "./list-files.ts";

async function backUpStream(repository: Repository, filename: string, bytes: AsyncIterable<Uint8Array>) {
  return await backupStream(repository, {
    filename,
    bytes,
    tags: [],
    hostname: "alpha",
    username: "ada",
    uid: 1000,
    gid: 1000,
    compression: "auto",
    programVersion: "saveos tests",
    lock: testLock,
  });
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(new TextEncoder().encode(text));
}

test("a stream becomes one file in folders of its name", async () => {
  const repository = await newTestRepository();
  const { snapshot, summary } = await backUpStream(repository, "/db/dump.sql", pieces("select ", "1;"));
  expect(snapshot).toMatchObject({ paths: ["/db/dump.sql"], parent: undefined });
  expect(summary).toMatchObject({ filesNew: 1, totalBytesProcessed: 9 });
  const reader = await reopened(repository);
  await loadIndex(reader);
  const [stored] = await loadSnapshots(reader);
  const files = await Array.fromAsync(listFiles(reader, stored!));
  expect(files.map(({ path, node }) => [path, node.type, node.size])).toEqual([
    ["/db", "dir", 0],
    ["/db/dump.sql", "file", 9],
  ]);
  const blob = await loadBlob(reader, { type: "data", id: files[1]!.node.content![0]! });
  expect(new TextDecoder().decode(blob)).toBe("select 1;");
});

test("a stream that breaks makes no snapshot: half a dump would look like a whole one", async () => {
  const repository = await newTestRepository();
  async function* breaking() {
    yield new TextEncoder().encode("half");
    throw await Promise.resolve(new EngineError("source-unreadable", "the program failed"));
  }
  await expect(backUpStream(repository, "dump.sql", breaking())).rejects.toMatchObject({ code: "source-unreadable" });
  expect(await loadSnapshots(repository)).toEqual([]);
});

test.each(["", "/", "..", "a/../b", "./"])("the name %j is refused", async (name) => {
  const repository = await newTestRepository();
  await expect(backUpStream(repository, name, pieces("x"))).rejects.toMatchObject({ code: "invalid-input" });
});
