import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openWorkspace } from "./workspace.ts";

let temp: string;

beforeEach(async () => void (temp = await mkdtemp(join(tmpdir(), "saveos-bench-test-"))));
afterEach(async () => await rm(temp, { recursive: true }));

/** A run that makes a corpus and a repository. */
async function work(folder: string | undefined, keep = false): Promise<string> {
  using workspace = await openWorkspace({ folder, keep });
  using scratch = workspace.scratch("scene");
  writeFileSync(join(scratch.path, "repository"), "");
  mkdirSync(join(workspace.corporaFolder, "new"));
  writeFileSync(join(workspace.logFolder, "log"), "");
  return workspace.path;
}

describe("the folder of a run", () => {
  test("by itself it is a new one, and all of it goes", async () => {
    const path = await work(undefined);
    expect(existsSync(path)).toBe(false);
  });

  test("in a folder that was not there, nothing is left, not even the folder", async () => {
    await work(join(temp, "not/there"));
    expect(readdirSync(temp)).toEqual([]);
  });

  test("in a folder in use, what was there stays: files of others, and the corpora that were found", async () => {
    writeFileSync(join(temp, "of-others"), "");
    mkdirSync(join(temp, "saveos-bench/corpora/old"), { recursive: true });
    const path = await work(temp);
    expect(readdirSync(temp)).toEqual(["of-others", "saveos-bench"]);
    expect(readdirSync(path)).toEqual(["corpora"]);
    expect(readdirSync(join(path, "corpora"))).toEqual(["old"]);
  });

  test("everything is kept if that was asked for", async () => {
    const path = await work(temp, true);
    expect(readdirSync(path).toSorted()).toEqual(["corpora", "logs", "scene"]);
    expect(readdirSync(join(path, "corpora"))).toEqual(["new"]);
  });
});
