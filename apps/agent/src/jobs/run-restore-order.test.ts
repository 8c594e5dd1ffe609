import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { RestoreSecrets } from "@saveos/contract";
import { EngineError } from "@saveos/engine";
import { makeIdentity, recipientOf, seal } from "@saveos/vault";
import { beforeEach, expect, test } from "vitest";
import { jobId } from "../testing/memory-link.ts";
import {
  otherPassword,
  otherPath,
  otherRepositoryId,
  OrderWorld,
  restoreOrder,
  snapshotOf,
} from "../testing/order-world.ts";

let world: OrderWorld;
let folder: string;
let target: string;

beforeEach(async () => {
  world = await OrderWorld.create();
  folder = world.machine.path("files");
  target = world.machine.path("restored");
  await mkdir(path.join(folder, "sub"), { recursive: true });
  await writeFile(path.join(folder, "notes.txt"), "first");
  await writeFile(path.join(folder, "sub", "[1]*.txt"), "second");
  await writeFile(path.join(folder, "sub", "1x.txt"), "third");
  return () => world[Symbol.asyncDispose]();
});

async function sealed(secrets: RestoreSecrets | string, identity = world.identity): Promise<string> {
  const text = typeof secrets === "string" ? secrets : JSON.stringify(secrets);
  return await seal(await recipientOf(identity), new TextEncoder().encode(text));
}

/** Every file below a folder, with what is in it. */
async function contents(of: string): Promise<Record<string, string>> {
  const entries = await readdir(of, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const read = files.map(async (file) => [path.relative(of, file), await readFile(file, "utf8")] as const);
  return Object.fromEntries(await Promise.all(read));
}

/** Where a file of the machine lies below a restore's target. */
function below(...names: string[]): string {
  return path.relative("/", path.join(folder, ...names));
}

test("a whole snapshot comes back under the target, in its own layout", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  const end = await world.run(restoreOrder({ snapshot_id, target }));
  expect(end).toMatchObject({ outcome: "completed", summary: { total_bytes: 16, bytes_restored: 16, errors: 0 } });
  expect(await contents(target)).toEqual({
    [below("notes.txt")]: "first",
    [below("sub", "[1]*.txt")]: "second",
    [below("sub", "1x.txt")]: "third",
  });
  expect(world.progress.at(-1)).toMatchObject({ bytesDone: 16, bytesTotal: 16 });
  expect(JSON.stringify(world.said)).not.toContain("restored/");
});

test("only what was chosen comes back, by its name and not by what its characters may mean", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  const paths = [path.join(folder, "sub", "[1]*.txt")];
  const end = await world.run(restoreOrder({ snapshot_id, target, sealed: await sealed({ paths }) }));
  expect(end.outcome).toBe("completed");
  expect(await contents(target)).toEqual({ [below("sub", "[1]*.txt")]: "second" });
});

test("a chosen folder comes back with all that is in it", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  const paths = [path.join(folder, "sub")];
  await world.run(restoreOrder({ snapshot_id, target, sealed: await sealed({ paths }) }));
  expect(Object.keys(await contents(target)).toSorted()).toEqual([below("sub", "1x.txt"), below("sub", "[1]*.txt")]);
});

test("a chosen path that the snapshot does not have makes the job partial, and is not named", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  const paths = [path.join(folder, "notes.txt"), path.join(folder, "divorce.odt")];
  const end = await world.run(restoreOrder({ snapshot_id, target, sealed: await sealed({ paths }) }));
  expect(end).toMatchObject({
    outcome: "partial",
    reason: "The snapshot does not have 1 path of those that were chosen",
    summary: { errors: 1 },
  });
  expect(JSON.stringify([end, world.said])).not.toContain("divorce");
  expect(await contents(target)).toEqual({ [below("notes.txt")]: "first" });
});

test("without a target the job gets a folder of its own, for the agent's user only", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  expect((await world.run(restoreOrder({ snapshot_id }))).outcome).toBe("completed");
  const own = world.machine.path("home", "state", "restores", jobId(7));
  expect(Object.keys(await contents(own))).toContain(below("notes.txt"));
  expect((await stat(own)).mode & 0o777).toBe(0o700);
});

test.each([
  ["never", "mine"],
  ["always", "first"],
] as const)("a file that is there is overwritten %s", async (overwrite, expected) => {
  const snapshot_id = snapshotOf(await world.backUp());
  await mkdir(path.join(target, below()), { recursive: true });
  await writeFile(path.join(target, below("notes.txt")), "mine");
  const end = await world.run(restoreOrder({ snapshot_id, target, overwrite }));
  expect((await contents(target))[below("notes.txt")]).toBe(expected);
  if (overwrite === "never") expect(end.summary).toMatchObject({ files_skipped: 1, bytes_skipped: 5 });
});

const fromOther = { repository_id: otherRepositoryId, repository_path: otherPath };

test("another machine's repository needs its password", async () => {
  const end = await world.run(restoreOrder({ ...fromOther, target }));
  expect(end).toMatchObject({
    outcome: "failed",
    error: "wrong-password",
    reason: "The repository is another machine's, and the order brings no password for it",
  });
  expect(world.opened).toEqual([]);
});

test("a wrong password for it is said", async () => {
  const end = await world.run(
    restoreOrder({ ...fromOther, target, sealed: await sealed({ repository_password: "guess" }) }),
  );
  expect(end).toMatchObject({ outcome: "failed", error: "wrong-password" });
});

test("a snapshot that is not there, a target that is no absolute path and a seal of somebody else's are the order's fault", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  const forAnother = await sealed({ paths: ["/a"] }, await makeIdentity());
  for (const changes of [
    { target },
    { snapshot_id, target: "relative/folder" },
    { snapshot_id, target, sealed: forAnother },
    { snapshot_id, target, sealed: btoa("nothing that was sealed") },
    { snapshot_id, target, sealed: await sealed("{") },
    { snapshot_id, target, sealed: await sealed('{"paths":["/a"],"surprise":"password"}') },
  ])
    expect(await world.run(restoreOrder(changes))).toMatchObject({ outcome: "failed", error: "invalid-order" });
  expect(JSON.stringify(world.said)).not.toContain("surprise");
});

test("a restore takes a lock and gives it back", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  const { ownStore } = world;
  let locks = 0;
  world.ownStore = {
    ...ownStore,
    put: async (name, bytes, options) => {
      if (name.startsWith("locks/")) locks += 1;
      await ownStore.put(name, bytes, options);
    },
  };
  await world.run(restoreOrder({ snapshot_id, target }));
  expect(locks).toBe(1);
  for await (const lock of ownStore.list("locks")) expect(lock).toBeUndefined();
});

test("where only reading is allowed, the restore goes on without a lock", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  const { ownStore } = world;
  world.ownStore = {
    ...ownStore,
    put: (name) => Promise.reject(new EngineError("store-denied", `Storing ${name}: the server answered 403`)),
  };
  expect((await world.run(restoreOrder({ snapshot_id, target }))).outcome).toBe("completed");
  expect(world.said).toContain("warning: The repository may only be read: restoring without a lock");
});

test("what can't be restored makes the job partial: the rest comes back, and only the machine's own log names it", async () => {
  const snapshot_id = snapshotOf(await world.backUp());
  // A folder with something in it does not give way to a file.
  await mkdir(path.join(target, below("notes.txt"), "in the way"), { recursive: true });
  const end = await world.run(restoreOrder({ snapshot_id, target }));
  expect(end).toMatchObject({
    outcome: "partial",
    reason: "1 file or folder could not be restored: the machine's own log names them",
    summary: { errors: 1 },
  });
  expect(JSON.stringify([end, world.said])).not.toContain("notes");
  expect(world.log.join("\n")).toContain("notes.txt");
  expect(await contents(target)).toHaveProperty([below("sub", "1x.txt")], "third");
});

test("from another machine's repository files come back with its password, and nothing of it stays here", async () => {
  const snapshot_id = snapshotOf(await world.backUpOther(folder));
  const secrets = { paths: [path.join(folder, "notes.txt")], repository_password: otherPassword };
  await allowFolder(path.dirname(target));
  const end = await world.run(restoreOrder({ ...fromOther, snapshot_id, target, sealed: await sealed(secrets) }));
  expect(end.outcome).toBe("completed");
  expect(await contents(target)).toEqual({ [below("notes.txt")]: "first" });
  expect(world.opened).toEqual([{ which: otherPath, useCache: false }]);
});

test("what comes from another machine goes only into folders that this machine allows, and into the job's own", async () => {
  const snapshot_id = snapshotOf(await world.backUpOther(folder));
  const order = { ...fromOther, snapshot_id, sealed: await sealed({ repository_password: otherPassword }) };
  await allowFolder("/srv/elsewhere");
  const refused = await world.run(restoreOrder({ ...order, target }));
  expect(refused).toMatchObject({
    outcome: "failed",
    error: "invalid-order",
    reason: expect.stringContaining("allow"),
  });
  expect(refused.reason).not.toContain(target);
  expect((await world.run(restoreOrder({ ...order, target: null }))).outcome).toBe("completed");
});

async function allowFolder(allowed: string): Promise<void> {
  const file = world.machine.path("home/restore-folders.json");
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ folders: [allowed] }), { mode: 0o600 });
}
