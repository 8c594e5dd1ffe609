import { readdir, stat, utimes, writeFile } from "node:fs/promises";
import { EngineError } from "@saveos/engine";
import { beforeEach, expect, test } from "vitest";
import { jobId } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";
import { findList, readList, UnreadableList } from "./unreadable.ts";

let machine: TestMachine;
let warnings: string[];

beforeEach(async () => {
  machine = await TestMachine.create();
  warnings = [];
  return () => machine[Symbol.asyncDispose]();
});

const open = async (name: number) =>
  await UnreadableList.open(machine.path("state"), jobId(name), (message) => warnings.push(message));

function problem(path: string, systemCode?: string) {
  return { path, message: `${path} can't be read`, cause: new EngineError("source-unreadable", "x", { systemCode }) };
}

async function noteIn(name: number, ...paths: string[]): Promise<void> {
  await using list = await open(name);
  for (const path of paths) list.note(problem(path, "EACCES"), path);
}

test("problems are counted by the system's code, and listed with their names", async () => {
  const list = await open(1);
  list.note(problem("/a", "EACCES"), "/a");
  list.note(problem("/b", "EACCES"), "/b");
  list.note(problem("/c", "EIO"), "/c");
  list.note(problem("/d"), "/d");
  list.note({ path: "/e", message: "/e is of a kind that can't be backed up" }, "/e");
  expect(list.counts).toEqual({ EACCES: 2, EIO: 1, unknown: 1, unsupported: 1 });
  await list[Symbol.asyncDispose]();
  const kept = await findList(machine.path("state"), undefined);
  expect(kept?.jobId).toBe(jobId(1));
  const entries = await readList(machine.path("state"), kept ?? { jobId: "", writtenAt: new Date() });
  expect(entries.map(({ path, code }) => [path, code])).toEqual([
    ["/a", "EACCES"],
    ["/b", "EACCES"],
    ["/c", "EIO"],
    ["/d", "unknown"],
    ["/e", "unsupported"],
  ]);
});

test("a job that could read everything leaves no list", async () => {
  const list = await open(1);
  expect(list.counts).toBeUndefined();
  await list[Symbol.asyncDispose]();
  expect(await findList(machine.path("state"), undefined)).toBeUndefined();
});

test("the list is for the owner only", async () => {
  await noteIn(1, "/a");
  expect((await stat(machine.path("state", "jobs", `${jobId(1)}.unreadable`))).mode & 0o777).toBe(0o600);
  expect((await stat(machine.path("state", "jobs"))).mode & 0o777).toBe(0o700);
});

test("the lists of the last fifty jobs are kept", async () => {
  for (let name = 1; name <= 52; name += 1) {
    await noteIn(name, "/a");
    const file = machine.path("state", "jobs", `${jobId(name)}.unreadable`);
    await utimes(file, new Date(), new Date(Date.UTC(2026, 0, 1) + name * 1000));
  }
  const files = await readdir(machine.path("state", "jobs"));
  expect(files).toHaveLength(50);
  expect(files).not.toContain(`${jobId(1)}.unreadable`);
  expect((await findList(machine.path("state"), undefined))?.jobId).toBe(jobId(52));
});

test("a list is found by the beginning of its job's id, if that is one job's", async () => {
  await noteIn(1, "/a");
  await noteIn(2, "/b");
  expect((await findList(machine.path("state"), jobId(2)))?.jobId).toBe(jobId(2));
  await expect(findList(machine.path("state"), "0000")).rejects.toThrow("More than one");
  await expect(findList(machine.path("state"), "ffff")).rejects.toThrow("No list is kept");
});

test("where no list can be kept, that is said and the backup goes on", async () => {
  await writeFile(machine.path("state"), "a file in the way");
  await noteIn(1, "/a");
  expect(warnings.length).toBeGreaterThan(0);
});

test("a line that was cut off by a power cut does not lose the others", async () => {
  await noteIn(1, "/a");
  await writeFile(machine.path("state", "jobs", `${jobId(1)}.unreadable`), '{"path":"/b","co', { flag: "a" });
  const kept = await findList(machine.path("state"), undefined);
  expect(await readList(machine.path("state"), kept ?? { jobId: "", writtenAt: new Date() })).toHaveLength(1);
});
