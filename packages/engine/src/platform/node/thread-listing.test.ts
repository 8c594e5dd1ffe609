import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EntryTable } from "../../format/entry-table.ts";
import type { BackupResult } from "../../operations/backup/backup-request.ts";
import { listFiles } from "../../operations/list-files.ts";
import { parsePatterns } from "../../pattern/pattern-list.ts";
import { loadIndex } from "../../repository/load-index.ts";
import type { Repository } from "../../repository/repository.ts";
import { type BackupRules, noRules } from "../../source/backup-rules.ts";
import { listTargetsAhead } from "../../source/list-targets-ahead.ts";
import type { ListingAhead } from "../../source/listing-ahead.ts";
import { backUp } from "../testing/back-up.ts";
import { newTestRepository } from "../testing/test-repository.ts";
import { nodeSource } from "./node-source.ts";
import { ThreadListing } from "./thread-listing.ts";

const source = nodeSource();
const withAtime = false;
let folder: string;
/** Every folder that is below, in the order of a walk. */
const folders: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "saveos-ahead-"));
  for (let first = 10; first < 40; first += 1)
    for (const path of [`${first}`, `${first}/sub`, `${first}/sub/a b`, `${first}/sub/é`]) {
      await mkdir(join(folder, path));
      folders.push(path);
      for (let file = 0; file < first; file += 1) await writeFile(join(folder, path, `file ${file}`), "x".repeat(file));
    }
});
afterAll(() => rm(folder, { recursive: true }));

test("every directory is told as the source would tell it", async () => {
  await using ahead = await begun();
  for (const path of folders) {
    const [listed, expected] = [new EntryTable(), new EntryTable()];
    expect(await ahead.entries(join(folder, path), listed), path).toBe(true);
    await source.entries(join(folder, path), expected, { withAtime });
    expect(rowsOf(listed)).toEqual(rowsOf(expected));
  }
});

test("directories that the walk leaves out are passed by, and what was never expected is not told", async () => {
  await using ahead = await begun();
  const entries = new EntryTable();
  const told: string[] = [];
  for (const path of ["12/sub", "12/sub/gone", "30", "30/sub/é", "9", "45", "29"])
    if (await ahead.entries(join(folder, path), entries)) told.push(path);
  expect(told).toEqual(["12/sub", "30", "30/sub/é"]);
  expect(await ahead.entries(tmpdir(), entries)).toBe(false);
});

test("what was looked at more than five seconds ago is not told any more", async () => {
  let nowMs = 0;
  await using ahead = await begun(() => nowMs);
  nowMs = 5_001;
  const entries = new EntryTable();
  expect(await ahead.entries(join(folder, "10"), entries)).toBe(false);
  expect(await ahead.entries(join(folder, "39/sub/é"), entries)).toBe(true);
});

test("it may be ended at any time, and more than once", async () => {
  const ahead = new ThreadListing({ withAtime });
  ahead.expect(start());
  await ahead[Symbol.asyncDispose]();
  await ahead[Symbol.asyncDispose]();
  expect(await ahead.entries(join(folder, "10"), new EntryTable())).toBe(false);
});

/** With how many directories at least are listed ahead then. */
const someRules: readonly (readonly [string, Partial<BackupRules>, number])[] = [
  ["no rules", {}, 100],
  ["a pattern for one folder", { excludes: [parsePatterns(["/**/saveos-ahead-*/15"])] }, 0],
  ["a pattern elsewhere", { excludes: [parsePatterns(["/elsewhere/*"])] }, 100],
  ["marked folders left out", { excludeIfPresent: [{ name: "file 30" }] }, 0],
  ["large files left out", { excludeLargerThanBytes: 20 }, 100],
  ["one file system", { oneFileSystem: true }, 100],
];

test.each(someRules)("with %s a backup is the same with listing ahead and without", async (_name, given, toldMin) => {
  const rules = { ...noRules, ...given };
  const repository = await newTestRepository();
  const request = { targets: [folder, join(folder, "20/sub")], rules };
  await backUp(repository, source, request);
  await writeFile(join(folder, "33/sub/changed"), randomUUID());
  const plain = await backUp(repository, source, { ...request, parent: "none" });

  const targets = request.targets.map((absolute) => ({ given: absolute, absolute }));
  await using ahead = listTargetsAhead(source, targets, rules, { withAtime });
  const isBegun = async () => toldMin === 0 || (await ahead?.entries(folder, new EntryTable()));
  while (!(await isBegun())) await setImmediate();
  let told = 0;
  const counting: ListingAhead = {
    expect: (from) => ahead?.expect(from),
    entries: async (path, into) => {
      const isTold = (await ahead?.entries(path, into)) ?? false;
      told += Number(isTold);
      return isTold;
    },
    [Symbol.asyncDispose]: async () => await ahead?.[Symbol.asyncDispose](),
  };
  const result = await backUp(repository, source, { ...request, ahead: counting });
  expect(await below(repository, result)).toEqual(await below(repository, plain));
  expect(result.problems).toBe(0);
  expect(told).toBeGreaterThanOrEqual(toldMin);
});

/** What a snapshot has of the folder. Above it, others work. */
async function below(repository: Repository, { snapshot, snapshotId }: BackupResult): Promise<unknown[]> {
  await loadIndex(repository);
  const stored = { ...snapshot, id: snapshotId ?? expect.unreachable("it was saved") };
  return await Array.fromAsync(listFiles(repository, stored, { paths: [folder], recursive: true }));
}

test("where rules have a say in a part, the rest is listed ahead as the walk comes to it", async () => {
  const rules = { ...noRules, excludes: [parsePatterns([`${folder}/15/sub`])] };
  const expected: string[][] = [];
  const ahead: ListingAhead = {
    expect: ({ path, names }) => void expected.push(names.map((name) => join(path, name))),
    entries: async () => false,
    [Symbol.asyncDispose]: async () => undefined,
  };
  const repository = await newTestRepository();
  await backUp(repository, source, { targets: [folder], rules });
  await backUp(repository, source, { targets: [folder], rules, ahead });
  expect(expected.flat()).toContain(join(folder, "14"));
  expect(expected.flat().filter((path) => path.startsWith(join(folder, "15")))).toEqual([]);
});

function start() {
  const names = [...new Set(folders.map((path) => path.slice(0, 2)))];
  return { path: folder, names, deviceId: source.stat(folder).deviceId };
}

/** With the thread running: until it does, it tells nothing. */
async function begun(nowMs?: () => number): Promise<ListingAhead> {
  const ahead = new ThreadListing({ withAtime }, nowMs);
  ahead.expect({ ...start(), path: join(folder, "10"), names: ["sub"] });
  while (!(await ahead.entries(join(folder, "10/sub"), new EntryTable()))) await setImmediate();
  ahead.expect(start());
  return ahead;
}

function rowsOf(entries: EntryTable): Map<string, unknown> {
  return new Map(
    Array.from({ length: entries.count }, (_, row) => [
      entries.name(row),
      { type: entries.type(row), size: entries.size(row) },
    ]),
  );
}
