import { readFile, writeFile } from "node:fs/promises";
import type { Report } from "@saveos/contract";
import { beforeEach, expect, test } from "vitest";
import { AgentError } from "../errors/agent-error.ts";
import { jobId, MemoryLink } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";
import { Outbox } from "./outbox.ts";

const at = "2026-01-31T08:30:00Z";
const started = { kind: "started", job_id: jobId(1), at } as const;
const progress = { kind: "progress", job_id: jobId(1), at, progress: { files_done: 1, bytes_done: 10 } } as const;
const finished = { kind: "finished", job_id: jobId(1), at, outcome: "completed" } as const;
const unavailable = new AgentError("server-unavailable", "gone");

let machine: TestMachine;
let file: string;
let link: MemoryLink;
let refused: Report[];

beforeEach(async () => {
  machine = await TestMachine.create();
  file = machine.path("state", "outbox.json");
  link = new MemoryLink();
  refused = [];
  return () => machine[Symbol.asyncDispose]();
});

function send(outbox: Outbox): Promise<void> {
  return outbox.send(link, { signal: new AbortController().signal, onRefused: (report) => refused.push(report) });
}

test("reports reach the server in order, numbered by job from 0", async () => {
  const outbox = await Outbox.open(file);
  await outbox.add(started);
  await outbox.add({ ...started, job_id: jobId(2) });
  await outbox.add(finished);
  await send(outbox);
  expect(link.reports.map(({ kind, job_id, sequence }) => [kind, job_id, sequence])).toEqual([
    ["started", jobId(1), 0],
    ["started", jobId(2), 0],
    ["finished", jobId(1), 1],
  ]);
  expect(outbox.waiting).toEqual([]);
});

test("what the server did not get survives a restart, and so do the numbers", async () => {
  link.failure = unavailable;
  const before = await Outbox.open(file);
  await before.add(started);
  await expect(send(before)).rejects.toThrow("gone");

  link.failure = undefined;
  const after = await Outbox.open(file);
  await after.add(finished);
  await send(after);
  expect(link.reports.map(({ sequence }) => sequence)).toEqual([0, 1]);
});

test("numbers go on after a restart although the earlier reports were delivered", async () => {
  const before = await Outbox.open(file);
  await before.add(started);
  await send(before);
  const after = await Outbox.open(file);
  await after.add(finished);
  await send(after);
  expect(link.reports.at(-1)).toMatchObject({ kind: "finished", sequence: 1 });
});

test("a report is on disk before `add` resolves", async () => {
  const outbox = await Outbox.open(file);
  await outbox.add(started);
  expect(await readFile(file, "utf8")).toContain(jobId(1));
});

test("of a job's progress only one report waits", async () => {
  const outbox = await Outbox.open(file);
  await outbox.add(started);
  await outbox.add(progress);
  await outbox.add(progress);
  expect(outbox.waiting.map(({ kind }) => kind)).toEqual(["started", "progress"]);
  await send(outbox);
  await outbox.add(progress);
  expect(outbox.waiting).toHaveLength(1);
});

test("a report that the server will never take is dropped and told, and those around it get through", async () => {
  link.refuses = ({ job_id }) => job_id === jobId(2);
  const outbox = await Outbox.open(file);
  for (const job of [1, 2, 3]) await outbox.add({ ...started, job_id: jobId(job) });
  await send(outbox);
  expect(link.reports.map(({ job_id }) => job_id)).toEqual([jobId(1), jobId(3)]);
  expect(refused.map(({ job_id }) => job_id)).toEqual([jobId(2)]);
});

test("a revoked credential drops no report", async () => {
  link.failure = new AgentError("credential-refused", "revoked");
  const outbox = await Outbox.open(file);
  await outbox.add(finished);
  await expect(send(outbox)).rejects.toThrow("revoked");
  expect(outbox.waiting).toHaveLength(1);
});

test("a report added while others are being sent is neither lost nor sent twice", async () => {
  const outbox = await Outbox.open(file);
  await outbox.add(started);
  const deliver = link.report.bind(link);
  link.report = async (reports) => {
    if (reports.length === 1 && reports[0]?.kind === "started") await outbox.add(finished);
    await deliver(reports);
  };
  await Promise.all([send(outbox), send(outbox)]);
  expect(link.reports.map(({ kind }) => kind)).toEqual(["started", "finished"]);
});

test("a report that this version can't read is left out, and the rest is still sent", async () => {
  const outbox = await Outbox.open(file);
  await outbox.add(started);
  const state = JSON.parse(await readFile(file, "utf8")) as { waiting: unknown[]; next_sequences: unknown };
  await writeFile(file, JSON.stringify({ ...state, waiting: [{ kind: "from the future" }, ...state.waiting] }));
  await send(await Outbox.open(file));
  expect(link.reports.map(({ kind }) => kind)).toEqual(["started"]);
});
