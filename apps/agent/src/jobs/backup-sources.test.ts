import { writeFile } from "node:fs/promises";
import { everything, excludeFilter } from "@saveos/engine";
import { expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { backupRules, type ExcludeWishes } from "./backup-sources.ts";

async function excluded(wishes: ExcludeWishes, path: string): Promise<boolean> {
  const { excludes } = await backupRules(wishes, { env: { PROJECT: "shop" }, platform: "linux" });
  const filter = excludes.length === 0 ? everything : excludeFilter(...excludes);
  return !filter.includes(path, false).selected;
}

test("patterns come from options and from files, with and without regard to case", async () => {
  await using machine = await TestMachine.create();
  await writeFile(machine.path("patterns"), "# build output\n/srv/$PROJECT/out\n");
  const wishes = { exclude: ["*.tmp"], iexclude: ["*.LOG"], excludeFiles: [machine.path("patterns")] };
  expect(await excluded(wishes, "/srv/a.tmp")).toBe(true);
  expect(await excluded(wishes, "/srv/a.TMP")).toBe(false);
  expect(await excluded(wishes, "/srv/a.log")).toBe(true);
  expect(await excluded(wishes, "/srv/shop/out/x.o")).toBe(true);
});

test("the agent's own cache is left out, whatever characters its path has", async () => {
  const wishes = { ownCacheFolder: "/home/ann/[1]*/cache" };
  expect(await excluded(wishes, "/home/ann/[1]*/cache/data/ab")).toBe(true);
  expect(await excluded(wishes, "/home/ann/1x/cache/data/ab")).toBe(false);
});

test("a malformed pattern is refused before anything is backed up", async () => {
  await expect(excluded({ exclude: ["[a-"] }, "/srv")).rejects.toMatchObject({ code: "invalid-input" });
});

test("a pattern file that can't be read is named", async () => {
  await expect(excluded({ excludeFiles: ["/nowhere/patterns"] }, "/srv")).rejects.toThrow("/nowhere/patterns");
});
