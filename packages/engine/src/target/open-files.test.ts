import { expect, test } from "vitest";
import { parseObjectId } from "../format/ids.ts";
import { MemorySnapshot } from "../platform/testing/memory-snapshot.ts";
import { memoryTarget, type MemoryTarget } from "../platform/testing/memory-target.ts";
import type { TargetFile } from "./file-target.ts";
import { OpenFiles } from "./open-files.ts";
import { RestorePlan } from "./restore-plan.ts";
import { RestoreReport } from "./restore-report.ts";

const text = new TextEncoder().encode("text");

test("a file is not closed to make room while somebody writes to it", async () => {
  const target = memoryTarget();
  const { files } = await openFiles(target, 200);
  const slow = slowDown(target, "f0");
  const writing = files.write(0, 0, text);
  for (let file = 1; file < 200; file += 1) await files.write(file, 0, text);
  slow.release();
  await writing;
  expect(target.contents()["/f0"]).toBe("text\0\0\0\0");
  await files[Symbol.asyncDispose]();
  expect(slow.closed).toBe(1);
});

test("no more files stay open than a process may have, and all are closed in the end", async () => {
  const target = memoryTarget();
  let open = 0;
  let openMost = 0;
  watchFiles(target, (change) => {
    open += change;
    openMost = Math.max(openMost, open);
  });
  const { files } = await openFiles(target, 200);
  for (let round = 0; round < 2; round += 1)
    for (let file = 0; file < 200; file += 1) await files.write(file, round * 4, text);
  expect(openMost).toBeLessThanOrEqual(65);
  await files[Symbol.asyncDispose]();
  expect(open).toBe(0);
  expect(target.contents()["/f7"]).toBe("texttext");
});

async function openFiles(target: MemoryTarget, count: number): Promise<{ files: OpenFiles }> {
  await target.makeDirectory([]);
  const plan = new RestorePlan();
  const snapshot = new MemorySnapshot({});
  const root = plan.addDirectory(0, "", snapshot.root, count);
  for (let number = 0; number < count; number += 1) {
    plan.addFile(root, number, `f${number}`, "new");
    for (let part = 0; part < 2; part += 1) plan.addPart(snapshot.idOf("text"), parseObjectId("0".repeat(64)), 4);
  }
  const { signal } = new AbortController();
  const settings = {
    overwrite: "always",
    delete: false,
    dryRun: false,
    verify: false,
    sparse: false,
    ownershipByName: false,
  } as const;
  return {
    files: new OpenFiles({ ...settings, signal, target, reader: snapshot, report: new RestoreReport({}) }, plan),
  };
}

/** Makes writes to one file wait until they are released. */
function slowDown(target: MemoryTarget, name: string): { release: () => void; closed: number } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = { release: resolve, closed: 0 };
  const createFile = target.createFile.bind(target);
  target.createFile = async (path) => {
    const file = await createFile(path);
    if (path[0] !== name) return file;
    return {
      ...file,
      write: async (offset, bytes) => {
        await promise;
        await file.write(offset, bytes);
      },
      [Symbol.asyncDispose]: async () => {
        slow.closed += 1;
        await file[Symbol.asyncDispose]();
      },
    };
  };
  return slow;
}

function watchFiles(target: MemoryTarget, changed: (by: 1 | -1) => void): void {
  const watched = (file: TargetFile): TargetFile => {
    changed(1);
    return {
      ...file,
      [Symbol.asyncDispose]: async () => {
        changed(-1);
        await file[Symbol.asyncDispose]();
      },
    };
  };
  const createFile = target.createFile.bind(target);
  const openFile = target.openFile.bind(target);
  target.createFile = async (path) => watched(await createFile(path));
  target.openFile = async (path, access) => watched(await openFile(path, access));
}
