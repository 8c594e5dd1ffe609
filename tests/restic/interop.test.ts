import { rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { check, findSnapshot, listSnapshots, type Repository } from "@saveos/engine";
import { backUp, lock, newRepository, open, password, restoreTo } from "../support/engine.ts";
import { manifestOf } from "../support/manifest.ts";
import { describeWith } from "../support/missing-peers.ts";
import { isOlderThan, type Restic, resticOn } from "../support/restic.ts";
import { mustRun } from "../support/run.ts";
import { fillWithEverything, prose } from "../support/sample-tree.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

describeWith(["restic", "extended attributes"], "stock restic and SaveOS on one repository", () => {
  let temp: TempFolder;
  let source: string;

  beforeAll(async () => {
    temp = await tempFolder();
    source = join(temp.path, "source");
    await fillWithEverything(source);
    // Only restic from 0.16 on keeps a link target that is not UTF-8.
    if (await isOlderThan(0, 16)) await rm(join(source, "links/odd"));
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test("restic finds nothing wrong with what SaveOS wrote, and restores it whole", async () => {
    const { repository, restic } = await freshRepository();
    expect((await backUp(repository, [source])).problems).toBe(0);
    await restic("check", "--read-data");
    const back = join(temp.path, "restored-by-restic");
    await restic("restore", "latest", "--target", back);
    expect(await manifestOf(join(back, source))).toEqual(await manifestOf(source));
  });

  test("SaveOS restores what it wrote itself, whole", async () => {
    const { repository } = await freshRepository();
    const everything = join(temp.path, "everything");
    await fillWithEverything(everything);
    await backUp(repository, [everything]);
    const back = join(temp.path, "restored-by-ourselves");
    expect(await restoreTo(repository, back)).toMatchObject({ problems: 0 });
    expect(await manifestOf(join(back, everything))).toEqual(await manifestOf(everything));
  });

  test.each(["auto", "off", "max"])(
    "SaveOS restores what restic wrote with compression %s, whole",
    async (compression) => {
      const { path, restic } = await freshRepository({ initBy: "restic" });
      await restic("backup", source, "--compression", compression);
      const repository = await open(path);
      const back = join(temp.path, `restored-from-${compression}`);
      expect(await restoreTo(repository, back, { verify: true })).toMatchObject({ problems: 0 });
      expect(await manifestOf(join(back, source))).toEqual(await manifestOf(source));
      expect(await check(await open(path), { lock, readData: "all" })).toMatchObject({ errors: 0, hints: 0 });
    },
  );

  test("a repository of format version 1 is read, and what SaveOS adds to it restic accepts", async () => {
    const path = join(temp.path, "version-1");
    const restic = resticOn(path, password);
    await restic("init", "--repository-version", "1");
    await restic("backup", source);
    const back = join(temp.path, "restored-from-version-1");
    expect(await restoreTo(await open(path), back)).toMatchObject({ problems: 0 });
    expect(await manifestOf(join(back, source))).toEqual(await manifestOf(source));
    await backUp(await open(path), [join(source, "many")], { parent: "none" });
    await restic("check", "--read-data");
  });

  test("the trees that SaveOS writes are those that restic writes, to the byte", async () => {
    const { path, repository, restic } = await freshRepository();
    // Relative, so that the tree does not hold the folders above, whose times change all the while.
    const names = ["big", "many", "modes", "links", "notes.txt", "sparse", "null", "fifo"];
    const targets = names.map((name) => ({ given: name, absolute: join(source, name) }));
    const ours = await backUp(repository, [], { targets });
    await restic.in(source)("backup", "--host", lock.hostname, ...names);
    const snapshots = await listSnapshots(await open(path));
    expect(snapshots.map(({ tree }) => tree)).toEqual([ours.snapshot.tree, ours.snapshot.tree]);
    expect(snapshots.at(-1)?.parent).toBe(ours.snapshotId);
  });

  test("an incremental chain in which both take turns stays sound, and each snapshot comes back", async () => {
    const { path, repository, restic } = await freshRepository();
    const notes = join(temp.path, "chain");
    await mustRun("cp", ["-a", source, notes]);
    const manifests = [];
    for (const round of [0, 1, 2, 3]) {
      await writeFile(join(notes, "notes.txt"), prose(100_000 * (round + 1), round));
      await utimes(join(notes, "notes.txt"), 1_600_000_000 + round, 1_600_000_000 + round);
      if (round % 2 === 0) {
        const { summary } = await backUp(await open(path), [notes]);
        if (round > 0) expect(summary.filesChanged + summary.filesNew).toBe(1);
      } else {
        const lines = await restic.json("backup", notes, "--host", lock.hostname);
        expect(lines.at(-1)).toMatchObject({ files_new: 0, files_changed: 1 });
      }
      manifests.push(await manifestOf(notes));
    }
    await restic("check", "--read-data");
    const snapshots = await listSnapshots(repository);
    for (const [i, { id }] of snapshots.entries()) {
      const [byUs, byRestic] = [join(temp.path, `chain-us-${i}`), join(temp.path, `chain-restic-${i}`)];
      await restoreTo(await open(path), byUs, { snapshot: id });
      await restic("restore", id, "--target", byRestic);
      expect(await manifestOf(join(byUs, notes))).toEqual(manifests[i]);
      expect(await manifestOf(join(byRestic, notes))).toEqual(manifests[i]);
    }
  });

  test("restic opens a repository with a key that SaveOS added, and SaveOS with one that restic added", async () => {
    const { path, restic } = await freshRepository();
    const file = join(temp.path, "new-password");
    await writeFile(file, "from restic");
    await restic("key", "add", "--new-password-file", file);
    expect((await open(path, "from restic")).config.version).toBe(2);
  });

  test("each keeps out of the other's exclusive lock, and restic sees who holds ours", async () => {
    const { path, restic } = await freshRepository();
    const { lockRepository } = await import("@saveos/engine");
    const repository = await open(path);
    {
      await using _held = await lockRepository(repository, { ...lock, exclusive: true });
      const attempt = await restic.attempt("backup", join(source, "notes.txt"));
      expect(attempt.code).not.toBe(0);
      expect(attempt.stderr).toContain(`PID ${process.pid} on ${lock.hostname}`);
    }
    await restic("backup", join(source, "notes.txt"));
  });

  test("after restic forgot and pruned, SaveOS still finds all that is left", async () => {
    const { path, repository, restic } = await freshRepository();
    await backUp(repository, [join(source, "big")]);
    await backUp(repository, [join(source, "many")]);
    const { snapshot } = await findSnapshot(repository, "latest");
    await restic("forget", "--prune", (await listSnapshots(repository))[0]?.id ?? "");
    expect(await check(await open(path), { lock, readData: "all" })).toMatchObject({ errors: 0 });
    const back = join(temp.path, "after-prune");
    await restoreTo(await open(path), back, { snapshot: snapshot.id });
    expect(await manifestOf(join(back, source, "many"))).toEqual(await manifestOf(join(source, "many")));
  });

  async function freshRepository({ initBy = "saveos" }: { initBy?: "saveos" | "restic" } = {}): Promise<{
    path: string;
    repository: Repository;
    restic: Restic;
  }> {
    const path = join(temp.path, `repository-${repositories++}`);
    const restic = resticOn(path, password);
    if (initBy === "restic") await restic("init");
    return { path, restic, repository: initBy === "restic" ? await open(path) : await newRepository(path) };
  }
});

let repositories = 0;
