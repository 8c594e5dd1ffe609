import * as fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { backUp } from "../../platform/testing/back-up.ts";
import {
  directory,
  type EntryDetails,
  file,
  type MemorySource,
  memorySource,
  symlink,
} from "../../platform/testing/memory-source.ts";
import { newTestRepository, reopened, testLock } from "../../platform/testing/test-repository.ts";
import { indexFileBytes } from "../../platform/testing/index-file-bytes.ts";
import { faultyStore } from "../../platform/testing/faulty-store.ts";
import { loadIndex } from "../../repository/load-index.ts";
import { loadSnapshots } from "../../repository/snapshots.ts";
import { saveUnpacked } from "../../repository/unpacked-files.ts";
import { listFiles } from "../list-files.ts";
import type { Repository } from "../../repository/repository.ts";
import { check } from "../check.ts";
import type { BackupItem } from "./backup-request.ts";

/** What a test changes in place: the entry keeps its inode. */
type Changeable = { -readonly [Key in keyof EntryDetails]: EntryDetails[Key] };

let repository: Repository;
let details: Changeable;
let source: MemorySource;
let asked: string[];

beforeEach(async () => {
  repository = await newTestRepository();
  details = { user: "ada", group: "staff" };
  source = memorySource({
    home: directory(
      {
        "a.txt": file("a", details),
        link: symlink("a.txt"),
        music: { "A & B.ogg": "music", "été.ogg": "summer", "\udcff.ogg": "bytes" },
        photos: { empty: {}, "p.jpg": "jpeg" },
      },
      {},
    ),
  });
  asked = [];
});

/** The same files without a parent to compare with, in a repository of their own. */
async function treeFromScratch(request: Parameters<typeof backUp>[2] = {}): Promise<string | undefined> {
  const { snapshot } = await backUp(await newTestRepository(), source, { ...request, parent: "none" });
  return snapshot.tree;
}

function listenToQuestions(): void {
  source.beforeEach = (operation, path) => asked.push(`${operation} ${path}`);
}

const questionsAbout = (path: string) => asked.filter((question) => question.endsWith(` ${path}`));

describe("what is as it was in the parent", () => {
  test("is told by the listing of its directory, and not asked for anything else", async () => {
    await backUp(repository, source);
    listenToQuestions();
    const { summary } = await backUp(repository, source);
    expect(summary).toMatchObject({ filesUnmodified: 5, dirsUnmodified: 4, dirsChanged: 0, dataAdded: 0 });
    expect(asked.filter((question) => question.startsWith("metadata"))).toEqual(["metadata /home"]);
    expect(questionsAbout("/home/a.txt")).toEqual(["stat /home/a.txt"]);
  });

  test("is reported file by file, if the caller wants that", async () => {
    await backUp(repository, source);
    source.put("/home/music/new", "new");
    const items: BackupItem[] = [];
    await backUp(repository, source, { onItem: (item) => items.push(item) });
    expect(items.map(({ action, path, bytes }) => `${action} ${path} ${bytes}`).sort()).toEqual([
      "changed /home 0",
      "changed /home/music 0",
      "new /home/music/new 3",
      "unchanged /home/a.txt 1",
      "unchanged /home/music/A & B.ogg 5",
      "unchanged /home/music/été.ogg 6",
      "unchanged /home/music/\udcff.ogg 5",
      "unchanged /home/photos 0",
      "unchanged /home/photos/empty 0",
      "unchanged /home/photos/p.jpg 4",
    ]);
  });

  test("is looked at as if new when another version, user or machine made the parent: it may have seen less", async () => {
    for (const request of [{ programVersion: "saveos 9" }, { uid: 0 }, { gid: 0 }, { hostname: "beta" }]) {
      const other = await newTestRepository();
      const { snapshotId } = await backUp(other, source);
      listenToQuestions();
      await backUp(other, source, { ...request, parent: snapshotId });
      expect(questionsAbout("/home/a.txt"), Object.keys(request).join()).toContain("metadata /home/a.txt");
      source.beforeEach = () => undefined;
      asked = [];
    }
  });

  test("is looked at as if new, but not read, when change times or inodes are ignored or mean nothing", async () => {
    const blind: MemorySource = { ...source, tellsChanges: false };
    for (const [from, request] of [
      [source, { ignoreCtime: true }],
      [source, { ignoreInode: true }],
      [blind, {}],
    ] as const) {
      await backUp(repository, from);
      details.extendedAttributes = [{ name: `user.${asked.length}`, value: new Uint8Array(1) }];
      listenToQuestions();
      const { summary, snapshot } = await backUp(repository, from, request);
      expect(summary).toMatchObject({ filesUnmodified: 5, dataBlobs: 0 });
      expect(questionsAbout("/home/a.txt")).toContain("metadata /home/a.txt");
      expect(snapshot.tree).toBe(await treeFromScratch());
    }
  });
});

describe("what the repository has lost", () => {
  test("is stored again with the trees of all folders that share a pack with a damaged one: then that pack can go", async () => {
    await backUp(repository, source);
    const packs = [...repository.index.packs()];
    const { pack, blobs } = packs.find((each) => each.blobs.some(({ type }) => type === "tree"))!;
    const name = `data/${pack}` as const;
    // The first tree that was written is that of a folder without folders.
    const offset = Math.min(...blobs.map((blob) => blob.offset)) + 20;
    const damaged = faultyStore(repository.store, { damages: [{ name, how: "flip", offset }] });
    const warnings: string[] = [];
    await backUp(await reopened(repository, damaged), source, { onWarning: (where) => warnings.push(where) });
    expect(warnings).toHaveLength(1);
    await repository.store.delete(name);
    const healed = await reopened(repository);
    await loadIndex(healed);
    const newest = (await loadSnapshots(healed)).at(-1);
    const files: string[] = [];
    for await (const { path } of listFiles(healed, newest!)) files.push(path);
    expect(files).toHaveLength(10);
  });

  test("is read again though the file did not change, with a word about it", async () => {
    await backUp(repository, source);
    const packs = [...repository.index.packs()].filter(({ blobs }) => blobs.every(({ type }) => type === "tree"));
    for await (const { id } of repository.store.list("index")) await repository.store.delete(`index/${id}`);
    const trees = packs.map(({ pack, blobs }) => ({ id: pack, blobs }));
    await saveUnpacked(repository, "index", indexFileBytes({ packs: trees }), {});
    const again = await reopened(repository);
    listenToQuestions();
    const warnings: string[] = [];
    const { summary } = await backUp(again, source, { onWarning: (where) => warnings.push(where) });
    expect(summary).toMatchObject({ filesChanged: 5, filesUnmodified: 0 });
    expect(warnings).toContain("/home/a.txt");
    expect(questionsAbout("/home/photos/p.jpg")).toContain("read /home/photos/p.jpg");
  });
});

describe("a backup with a parent gives the tree that one without gives", () => {
  const changes: Record<string, Partial<Changeable>> = {
    mode: { permissions: 0o4600 },
    owner: { uid: 7 },
    group: { gid: 7 },
    "the name of the owner": { user: "bob" },
    "the name of the group": { group: "" },
    mtime: { mtimeNs: 1n },
    ctime: { ctimeNs: -1n },
    device: { deviceId: 2n ** 40n },
  };

  for (const [what, change] of Object.entries(changes))
    test(`when nothing but one file's ${what} changed`, async () => {
      const before = await backUp(repository, source);
      Object.assign(details, change);
      const { snapshot } = await backUp(repository, source);
      expect(snapshot.tree).not.toBe(before.snapshot.tree);
      expect(snapshot.tree).toBe(await treeFromScratch());
    });

  test("when a file got another link", async () => {
    const shared = file("shared");
    source.put("/home/one", shared);
    await backUp(repository, source);
    source.put("/home/photos/two", shared);
    expect((await backUp(repository, source)).snapshot.tree).toBe(await treeFromScratch());
  });

  test("with times of access if they are wanted, and without if not", async () => {
    const request = { withAtime: true };
    await backUp(repository, source);
    expect((await backUp(repository, source, request)).snapshot.tree).toBe(await treeFromScratch(request));
    details.atimeNs = 5n;
    const withAtime = await backUp(repository, source, request);
    expect(withAtime.snapshot.tree).toBe(await treeFromScratch(request));
    const without = await backUp(repository, source);
    expect(without.snapshot.tree).toBe(await treeFromScratch());
    expect(without.snapshot.tree).not.toBe(withAtime.snapshot.tree);
  });

  test("with other rules", async () => {
    await backUp(repository, source);
    const rules = { excludes: [], excludeIfPresent: [{ name: "p.jpg" }], oneFileSystem: false };
    const bySize = { ...rules, excludeIfPresent: [], excludeLargerThanBytes: 4 };
    for (const request of [{ rules }, { rules: bySize }, {}])
      expect((await backUp(repository, source, request)).snapshot.tree).toBe(await treeFromScratch(request));
  });

  test("with a target within a target, and other targets than the parent's", async () => {
    const groupBy = { host: true, paths: false, tags: false };
    for (const targets of [["/home"], ["/home", "/home/music/été.ogg"], ["/home/music", "/home/a.txt"], ["/home"]]) {
      const { snapshot, parent } = await backUp(repository, source, { targets, groupBy });
      expect(snapshot.tree).toBe(await treeFromScratch({ targets }));
      if (targets.length > 1) expect(parent).toBeDefined();
    }
  });

  test("when a file can't be looked at any more", async () => {
    await backUp(repository, source);
    source.failOn("/home/music/été.ogg", "stat", "input/output error");
    source.failOn("/home/photos", "list", "permission denied");
    const { snapshot, problems } = await backUp(repository, source);
    expect(problems).toBe(2);
    expect(snapshot.tree).toBe(await treeFromScratch());
  });

  test("whatever changed", async () => {
    const name = fc.constantFrom("a", "b", "B", "é", "a & b", "\udcff", "z");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/home/${names.join("/")}`);
    const change = fc.record({
      path,
      as: fc.constantFrom("removed", "file", "large", "link", "directory", "touched"),
    });
    const apply = (changed: MemorySource, { path, as }: { path: string; as: string }, turn: number) => {
      try {
        if (as === "removed") changed.remove(path);
        else if (as === "link") changed.put(path, symlink("a"));
        else if (as === "directory") changed.put(path, {});
        else changed.put(path, file(as === "touched" ? "same" : `${as} ${turn}`));
      } catch {
        // Nothing is there, or a file is in the way.
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 20 }), fc.array(change, { maxLength: 4 }), async (first, then) => {
        source = memorySource({ home: { keep: "something" } });
        const changing = await newTestRepository();
        for (const [turn, each] of first.entries()) apply(source, each, turn);
        const before = await backUp(changing, source);
        for (const [turn, each] of then.entries()) apply(source, each, 100 + turn);
        const { snapshot, summary } = await backUp(changing, source);
        expect(snapshot.tree).toBe(await treeFromScratch());
        if (then.length === 0) expect(snapshot.tree).toBe(before.snapshot.tree);
        const { filesNew, filesChanged, filesUnmodified, totalFilesProcessed } = summary;
        expect(filesNew + filesChanged + filesUnmodified).toBe(totalFilesProcessed);
        expect((await check(await reopened(changing), { lock: testLock })).errors).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});
