import { expect, test } from "vitest";
import { backupOrder, jobId } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";
import { Inbox } from "./inbox.ts";

test("orders run in the order in which they came, each once", async () => {
  await using machine = await TestMachine.create();
  const inbox = await Inbox.open(machine.path("inbox.json"));
  expect([1, 2, 1].map((name) => inbox.accept(backupOrder(name)))).toEqual([true, true, false]);
  expect((await inbox.begin())?.job_id).toBe(jobId(1));
  expect((await inbox.begin())?.job_id).toBe(jobId(2));
  expect(await inbox.begin()).toBeUndefined();
});

test("an order of a job that ended before a restart does not run again", async () => {
  await using machine = await TestMachine.create();
  const before = await Inbox.open(machine.path("inbox.json"));
  before.accept(backupOrder(1));
  await before.begin();
  await before.end(jobId(1));
  const after = await Inbox.open(machine.path("inbox.json"));
  expect(after.accept(backupOrder(1))).toBe(false);
});

test("a job that was running when the process died is still known as running", async () => {
  await using machine = await TestMachine.create();
  const before = await Inbox.open(machine.path("inbox.json"));
  before.accept(backupOrder(1));
  await before.begin();
  const after = await Inbox.open(machine.path("inbox.json"));
  expect(after.running).toEqual([jobId(1)]);
  expect(after.accept(backupOrder(1))).toBe(false);
});

test("jobs are present from their order to their end", async () => {
  await using machine = await TestMachine.create();
  const inbox = await Inbox.open(machine.path("inbox.json"));
  inbox.accept(backupOrder(1));
  inbox.accept(backupOrder(2));
  await inbox.begin();
  expect(inbox.present).toEqual([jobId(1), jobId(2)]);
  await inbox.end(jobId(1));
  expect(inbox.present).toEqual([jobId(2)]);
});

test("an order that waits may be withdrawn, and taken again if the server repeats it", async () => {
  await using machine = await TestMachine.create();
  const inbox = await Inbox.open(machine.path("inbox.json"));
  inbox.accept(backupOrder(1));
  expect([inbox.withdraw(jobId(1)), inbox.withdraw(jobId(1))]).toEqual([true, false]);
  expect(await inbox.begin()).toBeUndefined();
});

test("an order that is withdrawn while it is written down does not run", async () => {
  await using machine = await TestMachine.create();
  const inbox = await Inbox.open(machine.path("inbox.json"));
  inbox.accept(backupOrder(1));
  inbox.accept(backupOrder(2));
  const beginning = inbox.begin();
  inbox.withdraw(jobId(1));
  expect((await beginning)?.job_id).toBe(jobId(2));
  expect(inbox.present).toEqual([jobId(2)]);
  expect(inbox.accept(backupOrder(1))).toBe(false);
});
