import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { EngineError, listFiles, listSnapshots, loadIndex, parseObjectId } from "@saveos/engine";
import { faultyStore } from "@saveos/engine/testing";
import { beforeEach, expect, test } from "vitest";
import { backupOrder, jobId } from "../testing/memory-link.ts";
import { OrderWorld, snapshotOf } from "../testing/order-world.ts";
import { AgentError } from "../errors/agent-error.ts";
import { readRememberedSnapshots } from "./last-snapshot.ts";
import { readList } from "./unreadable.ts";

let world: OrderWorld;
let folder: string;

beforeEach(async () => {
  world = await OrderWorld.create();
  folder = world.machine.path("files");
  await mkdir(path.join(folder, "sub"), { recursive: true });
  await writeFile(path.join(folder, "notes.txt"), "first");
  await writeFile(path.join(folder, "sub", "secret-plan.odt"), "second");
  return () => world[Symbol.asyncDispose]();
});

/** What the newest snapshot holds, below the folder. */
async function stored(): Promise<string[]> {
  const repository = await world.openOwn();
  const snapshot = (await listSnapshots(repository)).at(-1);
  await loadIndex(repository);
  const paths: string[] = [];
  if (snapshot !== undefined)
    for await (const { path: item, node } of listFiles(repository, snapshot, { paths: [], recursive: true }))
      if (node.type === "file") paths.push(item);
  return paths;
}

test("a backup ends completed, and its log says what it looked at without a name", async () => {
  const end = await world.backUp({ tags: ["nightly"] });
  expect(end).toMatchObject({ outcome: "completed", summary: { files_new: 2, total_bytes_processed: 11, errors: 0 } });
  expect(end).not.toHaveProperty("unreadable");
  expect(await stored()).toEqual([path.join(folder, "notes.txt"), path.join(folder, "sub", "secret-plan.odt")]);
  expect(world.said).toEqual([expect.stringContaining("info: Looked at 2 files, 11 B: 2 new, 0 changed; stored")]);
  expect(world.opened).toEqual([{ which: "own", useCache: true }]);
});

test("paths that need not be there are backed up where they are", async () => {
  const end = await world.backUp({
    paths: [],
    paths_if_present: [
      path.join(folder, "sub"),
      world.machine.path("nowhere"),
      path.join(folder, "notes.txt", "below"),
    ],
  });
  expect(end).toMatchObject({ outcome: "completed", summary: { files_new: 1, errors: 0 } });
  expect(await stored()).toEqual([path.join(folder, "sub", "secret-plan.odt")]);
});

test("a server that shows the repository as it was before is noticed once, and the backup is made all the same", async () => {
  await world.backUp();
  const newest = snapshotOf(await world.backUp());
  const name = `snapshots/${parseObjectId(newest)}` as const;
  const bytes = await world.ownStore.get(name);
  await world.ownStore.delete(name);
  world.said.length = 0;
  expect(await world.backUp()).toMatchObject({ outcome: "completed" });
  expect(world.said).toContainEqual(
    expect.stringMatching(/^warning: The snapshot that this machine made at .* older state$/),
  );
  const { stateFolder } = world.deps.home;
  expect(await readRememberedSnapshots(stateFolder)).toMatchObject({ gone: { id: newest } });

  world.said.length = 0;
  await world.backUp();
  expect(world.said).not.toContainEqual(expect.stringContaining("warning"));
  expect(await readRememberedSnapshots(stateFolder)).toMatchObject({ gone: { id: newest } });

  await world.ownStore.put(name, bytes);
  await world.backUp();
  expect(await readRememberedSnapshots(stateFolder)).toMatchObject({ gone: undefined });
});

test("a path of both lists is backed up once", async () => {
  const end = await world.backUp({ paths_if_present: [folder] });
  expect(end).toMatchObject({ outcome: "completed", summary: { files_new: 2 } });
});

test("where nothing at all is there, the job failed for that", async () => {
  const end = await world.backUp({ paths: [], paths_if_present: [world.machine.path("nowhere")] });
  expect(end).toMatchObject({ outcome: "failed", error: "nothing-readable" });
  expect((await world.backUp({ paths: [world.machine.path("gone")] })).error).toBe("nothing-readable");
  expect(await stored()).toEqual([]);
});

test("what can't be read is counted by its code for the server, and named on the machine only", async () => {
  const end = await world.backUp({ paths: [folder, world.machine.path("missing-thesis.odt")] });
  expect(end).toMatchObject({ outcome: "partial", unreadable: { ENOENT: 1 }, summary: { errors: 1 } });
  expect(JSON.stringify([end, world.said])).not.toContain("thesis");
  expect(world.log.join("\n")).toContain("missing-thesis.odt");
  const [entry] = await readList(world.machine.path("home", "state"), { jobId: jobId(1), writtenAt: new Date() });
  expect(entry).toMatchObject({ path: world.machine.path("missing-thesis.odt"), code: "ENOENT" });
});

test.skipIf(process.platform !== "linux")("an error of the disk keeps its code", async () => {
  // Whoever may read anything still can't read this.
  await symlink("nowhere", path.join(folder, "link"));
  const { unreadable } = await world.backUp({ paths: [folder, `/proc/${process.pid}/mem`] });
  expect(unreadable).toEqual({ EIO: 1 });
});

test("a store that is not there for a moment is a line in the log, without an address", async () => {
  const { ownStore } = world;
  const refuse = new EngineError("store-unavailable", "Storing data/ab in rest:https://secret.example/ failed");
  world.ownStore = faultyStore(ownStore, { failures: [{ call: "put", nth: 1, times: 99, error: refuse }] });
  const end = await world.backUp();
  expect(end).toMatchObject({ outcome: "failed", error: "store-unavailable" });
  expect(JSON.stringify([end, world.said])).not.toContain("secret.example");
  expect(world.log.join("\n")).toContain("secret.example");
});

test("a pattern that makes no sense is the order's fault", async () => {
  expect(await world.backUp({ excludes: ["[a-"] })).toMatchObject({ outcome: "failed", error: "invalid-order" });
});

test("a backup is cancelled in the middle, though the store hangs", async () => {
  const { ownStore } = world;
  const reached = Promise.withResolvers<void>();
  world.ownStore = {
    ...ownStore,
    put: async (name, bytes, options = {}) => {
      if (name.startsWith("locks/")) return await ownStore.put(name, bytes, options);
      reached.resolve();
      await new Promise((_, reject) => options.signal?.addEventListener("abort", () => reject(options.signal?.reason)));
    },
  };
  const cancellation = new AbortController();
  const ending = world.run(backupOrder(1, { paths: [folder] }), cancellation.signal);
  await reached.promise;
  cancellation.abort(new AgentError("cancelled", "The server cancelled the job."));
  expect((await ending).outcome).toBe("cancelled");
  const locks: string[] = [];
  for await (const { id } of ownStore.list("locks")) locks.push(id);
  expect(locks).toEqual([]);
  world.ownStore = ownStore;
  expect(snapshotOf(await world.backUp())).toMatch(/^[0-9a-f]{64}$/);
});

test("an agent that stops in the middle leaves a job that is worth another try", async () => {
  expect(
    await world.run(
      backupOrder(1, { paths: [folder] }),
      AbortSignal.abort(new AgentError("interrupted", "Stopped by SIGTERM.")),
    ),
  ).toMatchObject({ outcome: "failed", error: "agent-stopped" });
});
