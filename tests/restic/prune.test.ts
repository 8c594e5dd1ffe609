import { readdir, watch } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadIndex, lockRepository, type ObjectStore, prune, type PruneRequest, type PruneStats } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { testPassword } from "@saveos/engine/testing";
import { backUp, lock } from "../support/engine.ts";
import { describeWith } from "../support/missing-peers.ts";
import { findings, openQuickly, restoredWhole } from "../support/quick-engine.ts";
import { isOlderThan, resticOn } from "../support/restic.ts";
import { seeded } from "../support/seeded.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { copyOf, type RandomHistory, randomHistory } from "./random-history.ts";

const random = seeded();

type Choice = Partial<PruneRequest>;

/** Where the order of equal packs decides, only what follows from all orders is compared. */
const choices: [string, Choice, string[], "same" | "alike"][] = [
  ["the default", {}, [], "same"],
  ["nothing unused", { maxUnused: { kind: "bytes", bytes: 0 } }, ["--max-unused", "0"], "same"],
  [
    "anything unused",
    { maxUnused: { kind: "unlimited" }, smallPackBytes: 1 },
    ["--max-unused", "unlimited", "--repack-smaller-than", "1"],
    "same",
  ],
  [
    "a third unused",
    { maxUnused: { kind: "percent", percent: 33 }, smallPackBytes: 1 },
    ["--max-unused", "33%", "--repack-smaller-than", "1"],
    "same",
  ],
  ["folders only", { repackCacheableOnly: true }, ["--repack-cacheable-only"], "same"],
  ["small packs", { smallPackBytes: 300 * 1024 }, ["--repack-smaller-than", "300k"], "same"],
  ["what is not compressed", { repackUncompressed: true }, ["--repack-uncompressed"], "same"],
  ["no more than 700 KiB", { maxRepackBytes: 700 * 1024 }, ["--max-repack-size", "700k"], "alike"],
];

describeWith(["restic", "extended attributes"], `pruning beside stock restic (SAVEOS_TEST_SEED=${random.seed})`, () => {
  let temp: TempFolder;
  let history: RandomHistory;

  beforeAll(async () => {
    temp = await tempFolder();
    history = await randomHistory({ folder: temp.path, random, backups: 9, kept: 4 });
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test.each(choices)(
    "with %s, SaveOS counts what restic counts, and what is left is whole",
    async (name, choice, flags, likeness) => {
      const path = await copyOf(history, join(temp.path, `ours, ${name}`));
      const { stats } = await prune(await openQuickly(folderStore(path)), { lock, compression: "auto", ...choice });
      // Before 0.19 other packs counted as small.
      if (!(await isOlderThan(0, 19))) {
        const told = await resticOn(history.path, testPassword).loud("prune", "--dry-run", ...flags);
        const ours = textOf(stats);
        if (likeness === "same") expect(linesOf(told)).toEqual(ours);
        else
          expect(linesOf(told)).toMatchObject({
            used: ours["used"],
            unused: ours["unused"],
            "to delete": ours["to delete"],
          });
      }
      await expectWhole(path);
      await resticOn(path, testPassword)("check", "--read-data");
    },
  );

  test("after either program pruned there are the same blobs, and the other finds nothing left to do", async () => {
    const [byUs, byRestic] = [
      await copyOf(history, join(temp.path, "by us")),
      await copyOf(history, join(temp.path, "by restic")),
    ];
    const exactly = { maxUnused: { kind: "bytes", bytes: 0 } } as const;
    await prune(await openQuickly(folderStore(byUs)), { lock, compression: "auto", ...exactly });
    await resticOn(byRestic, testPassword)("prune", "--max-unused", "0");
    expect(await blobsIn(byUs)).toEqual(await blobsIn(byRestic));
    await expectWhole(byRestic);
    // What counts as small differs between versions of restic.
    const again = { lock, compression: "auto", smallPackBytes: 1, ...exactly } as const;
    const { stats } = await prune(await openQuickly(folderStore(byRestic)), again);
    expect(stats.packs).toMatchObject({ repack: 0, remove: 0, unreferenced: 0 });
    const told = linesOf(await resticOn(byUs, testPassword).loud("prune", "--dry-run", "--max-unused", "0"));
    expect(told["total prune"]).toMatch(/^0 blobs/);
  });

  test("a backup by restic finds our prune's lock and waits for it; then both end well", async () => {
    const path = await copyOf(history, join(temp.path, "restic waits"));
    const inTheMiddle = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const store = stopping(folderStore(path), inTheMiddle.resolve, goOn.promise);
    const pruning = prune(await openQuickly(store), {
      lock,
      compression: "auto",
      maxUnused: { kind: "bytes", bytes: 0 },
    });
    await inTheMiddle.promise;
    const restic = resticOn(path, testPassword);
    expect((await restic.attempt("backup", import.meta.dirname)).stderr).toContain("already locked");
    const canWait = !(await isOlderThan(0, 16));
    const waiting = canWait ? restic("backup", import.meta.dirname, "--retry-lock", "1m") : undefined;
    goOn.resolve();
    await pruning;
    await (waiting ?? restic("backup", import.meta.dirname));
    await expectWhole(path);
    await restic("check", "--read-data");
  });

  test("our backup finds restic's prune's lock and waits for it; then both end well", async () => {
    const path = await copyOf(history, join(temp.path, "we wait"));
    const restic = resticOn(path, testPassword);
    const ours = await openQuickly(folderStore(path));
    const pruning = restic("prune", "--max-unused", "0", "--limit-upload", "4000");
    await untilLocked(path);
    await expect(backUp(ours, [import.meta.dirname])).rejects.toMatchObject({ code: "repository-locked" });
    // The clock of the quick engine waits for nobody: trying again is all that its waiting is.
    const clock = { ...ours.clock, sleep: async () => await new Promise<void>((resolve) => setTimeout(resolve, 50)) };
    const { snapshotId } = await backUp({ ...ours, clock }, [import.meta.dirname], {
      lock: { ...lock, retryLockMs: 600_000 },
    });
    await pruning;
    expect(snapshotId).toBeDefined();
    await expectWhole(path);
    await restic("check", "--read-data");
  });

  test("neither prunes while the other backs up, and what is backed up meanwhile is not lost", async () => {
    const path = await copyOf(history, join(temp.path, "neither"));
    const restic = resticOn(path, testPassword);
    const ours = await openQuickly(folderStore(path));
    {
      await using _held = await lockRepository(ours, { ...lock, exclusive: false });
      expect((await restic.attempt("prune")).stderr).toContain("already locked");
    }
    // It backs up what it reads, as long as there may be more to read.
    const backingUp = restic.reading("backup", "--stdin", "--tag", "meanwhile");
    await untilLocked(path);
    await expect(prune(ours, { lock, compression: "auto" })).rejects.toMatchObject({ code: "repository-locked" });
    await backingUp.end("said meanwhile");
    await prune(ours, { lock, compression: "auto" });
    expect(await restic("dump", "--tag", "meanwhile", "latest", "stdin")).toBe("said meanwhile");
    await expectWhole(path);
  });

  async function expectWhole(path: string): Promise<void> {
    for (const [id, files] of history.kept)
      expect(await restoredWhole(await openQuickly(folderStore(path)), id)).toEqual(files);
    expect(
      (await findings(await openQuickly(folderStore(path)))).filter(({ severity }) => severity === "error"),
    ).toEqual([]);
  }
});

async function untilLocked(path: string): Promise<void> {
  const folder = join(path, "locks");
  const isLocked = async () => (await readdir(folder)).some((name) => !name.includes("tmp"));
  const changes = watch(folder);
  if (await isLocked()) return;
  for await (const _ of changes) if (await isLocked()) return;
}

/** Stops before its first deletion of a pack, and goes on when told. */
function stopping(store: ObjectStore, reached: () => void, goOn: Promise<void>): ObjectStore {
  return {
    ...store,
    delete: async (name, options) => {
      if (name.startsWith("data/")) {
        reached();
        await goOn;
      }
      await store.delete(name, options);
    },
  };
}

async function blobsIn(path: string): Promise<string[]> {
  const repository = await openQuickly(folderStore(path));
  await loadIndex(repository);
  return [...repository.index.packs()].flatMap(({ blobs }) => blobs.map(({ type, id }) => `${type} ${id}`)).toSorted();
}

/** What restic prints of its plan, by title. */
function linesOf(told: string): Record<string, string> {
  const lines: Record<string, string> = {};
  for (const [, title = "", value = ""] of told.matchAll(/^([a-z ]+): +(\d+ (?:blobs|packs).*|\d+)$/gm))
    if (value.includes("blobs")) lines[title] = value.replace(/ +/g, " ");
  return lines;
}

/** The same from our own counts. */
function textOf({ blobs, bytes }: PruneStats): Record<string, string> {
  const line = (count: number, size: number) => `${count} blobs / ${resticSize(size)}`;
  const total = {
    blobs: blobs.used + blobs.unused + blobs.duplicate,
    bytes: bytes.used + bytes.unused + bytes.duplicate + bytes.unreferenced,
  };
  const pruned = {
    blobs: blobs.remove + blobs.repackRemove,
    bytes: bytes.remove + bytes.repackRemove + bytes.unreferenced,
  };
  return {
    used: line(blobs.used, bytes.used),
    ...(blobs.duplicate > 0 ? { duplicates: line(blobs.duplicate, bytes.duplicate) } : {}),
    unused: line(blobs.unused, bytes.unused),
    total: line(total.blobs, total.bytes),
    "to repack": line(blobs.repack, bytes.repack),
    "this removes": line(blobs.repackRemove, bytes.repackRemove),
    "to delete": line(blobs.remove, bytes.remove + bytes.unreferenced),
    "total prune": line(pruned.blobs, pruned.bytes),
    remaining: line(total.blobs - pruned.blobs, total.bytes - pruned.bytes),
  };
}

function resticSize(bytes: number): string {
  const units = [
    ["TiB", 1024 ** 4],
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ] as const;
  const [unit, factor] = units.find(([, size]) => bytes >= size) ?? ["B", 1];
  return unit === "B" ? `${bytes} B` : `${(bytes / factor).toFixed(3)} ${unit}`;
}
