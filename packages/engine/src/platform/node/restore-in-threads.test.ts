import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { inlineCompute } from "../../compute/inline.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import { restore, type RestoreRequest } from "../../operations/restore.ts";
import { loadIndex } from "../../repository/load-index.ts";
import { openRepository } from "../../repository/open-repository.ts";
import { loadSnapshots } from "../../repository/snapshots.ts";
import { memoryStore } from "../../store/memory-store.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { RestoreProblem } from "../../target/restore-report.ts";
import type { RestoreResult } from "../../target/run-restore.ts";
import { autoClock } from "../testing/auto-clock.ts";
import { backUp } from "../testing/back-up.ts";
import { newCheapRepository } from "../testing/cheap-repository.ts";
import { file, memorySource, type MemoryTree, symlink } from "../testing/memory-source.ts";
import { plainRestore } from "../testing/plain-restore.ts";
import { testLock, testPassword } from "../testing/test-repository.ts";
import { nodeTarget } from "./node-target.ts";
import { nodePrimitives } from "./primitives.ts";

/** Enough files for a restore to start its threads. */
const fileCount = 1200;

const store = memoryStore();
let folder: string;

beforeAll(async () => {
  const shared = file(text(5), { permissions: 0o4755 });
  const folders: Record<string, MemoryTree> = {};
  for (let number = 0; number < fileCount; number += 1) {
    const name = `d${Math.floor(number / 70)}`;
    folders[name] = {
      ...folders[name],
      [`f${number}`]: file(text(number), { permissions: number % 3 === 0 ? 0o600 : 0o644, mtimeNs: BigInt(number) }),
    };
  }
  const tree = {
    ...folders,
    empty: "",
    large: nodePrimitives.randomBytes(12_000_000),
    links: { one: shared, two: shared, soft: symlink("../empty") },
    same: { a: text(7), b: text(7) },
  };
  await backUp(await newCheapRepository(deps(store)), memorySource({ home: tree }));
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "saveos-threads-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a restore in threads gives what one in this thread gives", async () => {
  const here = await restored(store, "here", 0);
  const inThreads = await restored(store, "threads", 2);
  expect(here.problems).toEqual([]);
  expect(inThreads).toEqual(here);
  expect(Object.keys(here.found)).toHaveLength(here.result.filesRestored);
});

test("damage costs the same files in threads, and only those", async () => {
  const damaged = await withDamage(store);
  const here = await restored(damaged, "here", 0);
  const inThreads = await restored(damaged, "threads", 3);
  expect(here.problems.length).toBeGreaterThan(0);
  expect(here.problems.length).toBeLessThan(fileCount / 2);
  expect(inThreads).toEqual(here);
});

test.each([{ verify: true }, { sparse: true }, { delete: true }])(
  "what is there is updated or replaced (%o)",
  async (given) => {
    const prepare = (root: string): void => {
      mkdirSync(join(root, "home", "d1"), { recursive: true });
      mkdirSync(join(root, "home", "d2", "f150", "full"), { recursive: true });
      writeFileSync(join(root, "home", "d1", "f71"), text(71));
      writeFileSync(join(root, "home", "d1", "f72"), "other");
      writeFileSync(join(root, "home", "large"), new Uint8Array(20_000_000));
      symlinkSync("/nowhere", join(root, "home", "d1", "f73"));
    };
    const here = await restored(store, "here", 0, { prepare, ...given });
    const inThreads = await restored(store, "threads", 2, { prepare, ...given });
    expect(here.problems).toHaveLength("delete" in given ? 0 : 1);
    expect(inThreads).toEqual(here);
  },
);

test("a store that is gone in the middle ends a restore in threads, and nothing runs on", async () => {
  const failing: ObjectStore = {
    ...store,
    get: async (name, options) =>
      name.startsWith("data/") && (options?.range?.start ?? 0) > 3_000_000
        ? await Promise.reject(new Error("gone"))
        : await store.get(name, options),
  };
  await expect(restored(failing, "gone", 2)).rejects.toThrow("gone");
});

test("an aborted restore in threads ends with the signal's reason", async () => {
  const ending = new AbortController();
  const onProgress: RestoreRequest["onProgress"] = ({ bytesRestored }) => {
    if (bytesRestored > 0) ending.abort(new Error("enough"));
  };
  await expect(restored(store, "aborted", 2, { signal: ending.signal, onProgress })).rejects.toThrow("enough");
});

interface Restored {
  readonly result: RestoreResult;
  readonly problems: readonly Pick<RestoreProblem, "path" | "message" | "during">[];
  /** Type, mode, times, links, size and content by path. */
  readonly found: Readonly<Record<string, string>>;
}

async function restored(
  from: ObjectStore,
  name: string,
  lanes: number,
  { prepare, ...given }: Partial<RestoreRequest> & { readonly prepare?: (root: string) => void } = {},
): Promise<Restored> {
  const root = join(folder, name);
  rmSync(root, { recursive: true, force: true });
  prepare?.(root);
  const repository = await openRepository(deps(from), { password: testPassword });
  await loadIndex(repository);
  const [snapshot] = await loadSnapshots(repository);
  const problems: RestoreProblem[] = [];
  await using target = nodeTarget(root, { lanes });
  const result = await restore(repository, target, {
    snapshot: snapshot as StoredSnapshot,
    ...plainRestore,
    lock: testLock,
    onProblem: (problem) => problems.push(problem),
    ...given,
  });
  const told = problems.map(({ path, message, during }) => ({ path, message: message.replaceAll(root, ""), during }));
  told.sort((a, b) => (a.path + a.message < b.path + b.message ? -1 : 1));
  return { result, problems: told, found: describeAll(root) };
}

function describeAll(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode, mtimeNs, nlink, size } = lstatSync(path, { bigint: true });
    const content = entry.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "";
    // The time of what failed is that of the restore.
    const time = mtimeNs > 1_750_000_000_000_000_000n ? "now" : String(mtimeNs);
    found[path.slice(root.length)] = `${mode.toString(8)} ${time} ${nlink} ${entry.isFile() ? size : ""} ${content}`;
  }
  return found;
}

/** The same repository with one byte in a hundred kilobytes of its data wrong, here and there. */
async function withDamage(original: ObjectStore): Promise<ObjectStore> {
  const copy = memoryStore();
  await copy.put("config", await original.get("config"));
  for (const kind of ["keys", "index", "snapshots", "data"] as const)
    for await (const { id } of original.list(kind)) {
      const bytes = await original.get(`${kind}/${id}`);
      // Packs of trees are small here.
      if (kind === "data" && bytes.length > 200_000)
        for (let at = 90_000; at < bytes.length - 100_000; at += 2_000_000) bytes[at] = (bytes[at] ?? 0) ^ 1;
      await copy.put(`${kind}/${id}`, bytes);
    }
  return copy;
}

function deps(from: ObjectStore): Parameters<typeof openRepository>[0] {
  return { store: from, compute: inlineCompute(nodePrimitives), clock: autoClock() };
}

function text(number: number): string {
  return `file ${number} `.repeat(20 + (number % 50) * 40);
}
