import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  cacheDirectoryTag,
  listSnapshots,
  noRules,
  parsePatterns,
  parseTagFile,
  type BackupRules,
} from "@saveos/engine";
import { backUp, lock, newRepository, open, password } from "../support/engine.ts";
import { describeWith } from "../support/missing-peers.ts";
import { resticOn } from "../support/restic.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/** Files, in as many shapes as the rules tell apart. */
const files = {
  "docs/letter.txt": "a letter",
  "docs/letter.bak": "an old letter",
  "docs/deep/er/still/file.TXT": "shouting",
  "src/main.c": "int main",
  "src/main.o": "object",
  "src/vendor/keep.o": "kept",
  "src/vendor/drop.o": "dropped",
  "cache/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\nrest",
  "cache/thing": "cached",
  "false-cache/CACHEDIR.TAG": "no signature",
  "false-cache/thing": "not cached",
  "marked/.nobackup": "",
  "marked/inside": "left out",
  "big/large": "x".repeat(5000),
  "big/small": "x",
  "odd/[bracket]": "b",
  "odd/star*": "s",
};

const pattern = (...lines: string[]): BackupRules => ({ ...noRules, excludes: [parsePatterns(lines)] });
const insensitive = (...lines: string[]): BackupRules => ({
  ...noRules,
  excludes: [parsePatterns(lines, { caseInsensitive: true })],
});

describeWith(["restic"], "what restic leaves out, SaveOS leaves out", () => {
  let temp: TempFolder;
  let repository: string;

  beforeAll(async () => {
    temp = await tempFolder();
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(temp.path, "source", name)), { recursive: true });
      await writeFile(join(temp.path, "source", name), content);
    }
    repository = join(temp.path, "repository");
    await newRepository(repository);
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test.each<[string[], BackupRules]>([
    [["--exclude=*.bak"], pattern("*.bak")],
    [["--exclude=docs/deep"], pattern("docs/deep")],
    [["--exclude=deep/**/file.TXT"], pattern("deep/**/file.TXT")],
    [["--exclude=**/still"], pattern("**/still")],
    [["--exclude=/nowhere"], pattern("/nowhere")],
    [["--exclude=*.o", "--exclude=!keep.o"], pattern("*.o", "!keep.o")],
    [["--exclude=src/*", "--exclude=!src/vendor"], pattern("src/*", "!src/vendor")],
    [["--exclude=[m]ain.?"], pattern("[m]ain.?")],
    [["--exclude=odd/\\[bracket\\]"], pattern("odd/\\[bracket\\]")],
    [["--iexclude=*.txt"], insensitive("*.txt")],
    [["--exclude-caches"], { ...noRules, excludeIfPresent: [cacheDirectoryTag] }],
    [["--exclude-if-present=.nobackup"], { ...noRules, excludeIfPresent: [parseTagFile(".nobackup")] }],
    [["--exclude-larger-than=4k"], { ...noRules, excludeLargerThanBytes: 4096 }],
    [["--one-file-system"], { ...noRules, oneFileSystem: true }],
  ])("with %j", async (options, rules) => {
    const targets = [{ given: "source", absolute: join(temp.path, "source") }];
    const ours = await backUp(await open(repository), [], { targets, rules, parent: "none" });
    const restic = resticOn(repository, password).in(temp.path);
    await restic("backup", "--force", "--host", lock.hostname, ...options, "source");
    const theirs = (await listSnapshots(await open(repository))).at(-1);
    expect(theirs?.id).not.toBe(ours.snapshotId);
    expect(ours.snapshot.tree).toBe(theirs?.tree);
  });
});
