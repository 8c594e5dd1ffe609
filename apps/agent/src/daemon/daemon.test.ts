import type { Order } from "@saveos/contract";
import { beforeEach, expect, test } from "vitest";
import { AgentError } from "../errors/agent-error.ts";
import type { JobEnd, JobRun } from "../jobs/job-end.ts";
import { ManualClock, settled, until } from "../testing/manual-clock.ts";
import { backupOrder, jobId, MemoryLink } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";
import { Bell } from "./bell.ts";
import { runDaemon } from "./daemon.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";

let machine: TestMachine;
let clock: ManualClock;
let link: MemoryLink;
let log: string[];
let notes: (string | undefined)[];

beforeEach(async () => {
  machine = await TestMachine.create();
  clock = new ManualClock();
  link = new MemoryLink();
  log = [];
  notes = [];
  return () => machine[Symbol.asyncDispose]();
});

interface Running extends AsyncDisposable {
  readonly ran: { readonly order: Order; readonly run: JobRun; readonly end: (end: JobEnd) => void }[];
  readonly outbox: Outbox;
  stop(): Promise<void>;
}

/** Starts the daemon; each order waits until the test ends it, or its signal does. */
async function start(): Promise<Running> {
  const ran: Running["ran"] = [];
  const stopping = new AbortController();
  const outbox = await Outbox.open(machine.path("outbox.json"));
  const done = runDaemon(
    {
      link,
      inbox: await Inbox.open(machine.path("inbox.json")),
      outbox,
      clock,
      random: () => 1,
      log: { info: (message) => log.push(message), warn: (message) => log.push(`warning: ${message}`) },
      reportsWait: new Bell(),
      note: (failure) => {
        notes.push(failure);
        return Promise.resolve();
      },
      runOrder: (order, run) =>
        new Promise((resolve) => {
          ran.push({ order, run, end: resolve });
          run.signal.addEventListener("abort", () => resolve({ outcome: "cancelled" }));
        }),
    },
    { hostname: "web1", agentVersion: "0.1.0", machineId: "ab", sessionId: jobId(99) },
    stopping.signal,
  );
  const stop = async () => {
    stopping.abort();
    await done;
  };
  return { ran, outbox, stop, [Symbol.asyncDispose]: stop };
}

const reported = () => link.reports.map((report) => (report.kind === "finished" ? report.outcome : report.kind));

test("the first heartbeat does not wait for an order: that the line works is known at once", async () => {
  await using _daemon = await start();
  await until(() => link.heartbeats.length === 2);
  expect(link.heartbeats.map(({ wait_seconds }) => wait_seconds)).toEqual([0, 30]);
  expect(notes).toEqual([undefined]);
});

test("an order is run, and its start and end are reported", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  daemon.ran[0]?.end({ outcome: "partial", reason: "some" });
  await until(() => link.reports.length === 2);
  expect(reported()).toEqual(["started", "partial"]);
  expect(link.reports.at(-1)).toMatchObject({ job_id: jobId(1), sequence: 1, reason: "some" });
});

test("an order that comes again while it waits, runs or is done runs once", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  link.order(backupOrder(1));
  daemon.ran[0]?.end({ outcome: "completed" });
  await until(() => link.reports.length === 2);
  link.pending = [backupOrder(1)];
  link.release();
  for (let round = 0; round < 5; round += 1) await clock.advance(5_000);
  expect(daemon.ran).toHaveLength(1);
});

test("orders run one at a time", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  link.order(backupOrder(2));
  await until(() => daemon.ran.length === 1);
  await settled();
  expect(daemon.ran).toHaveLength(1);
  daemon.ran[0]?.end({ outcome: "completed" });
  await until(() => daemon.ran.length === 2);
});

test("heartbeats name the running job, so that its lease goes on", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  await until(() => clock.sleeping > 0);
  await clock.advance(60_000);
  await until(() => link.heartbeats.at(-1)?.running_jobs[0] === jobId(1));
});

test("repeated orders of a waiting job don't make a storm of heartbeats", async () => {
  await using daemon = await start();
  link.report = () => Promise.reject(new AgentError("server-unavailable", "reports are lost"));
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1 && clock.sleeping > 0);
  const before = link.heartbeats.length;
  for (let second = 0; second < 20; second += 1) await clock.advance(1_000);
  expect(link.heartbeats.length - before).toBeLessThanOrEqual(4);
});

test("the server can cancel the running job", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  await until(() => clock.sleeping > 0);
  link.cancelled = [jobId(1)];
  await clock.advance(5_000);
  await until(() => link.reports.length === 2);
  expect(reported()).toEqual(["started", "cancelled"]);
});

test("while the server is away the daemon tries again, ever more slowly, and says it once", async () => {
  link.failure = new AgentError("server-unavailable", "The server does not answer");
  await using _daemon = await start();
  const waits: (number | undefined)[] = [];
  for (let round = 0; round < 8; round += 1) {
    await until(() => clock.sleeping > 0);
    waits.push(clock.nextWakeMs);
    await clock.advance(clock.nextWakeMs ?? 0);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  expect(log.filter((line) => line.includes("does not answer"))).toHaveLength(1);
  expect(notes.at(-1)).toBe("The server does not answer");
});

test("reports that could not be sent are sent when the server is back", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  await until(() => link.reports.length === 1);
  link.failure = new AgentError("server-unavailable", "gone");
  daemon.ran[0]?.end({ outcome: "completed" });
  await until(() => daemon.outbox.waiting.length === 1);
  link.failure = undefined;
  await until(() => clock.sleeping > 0);
  await clock.advance(60_000);
  link.release();
  await until(() => link.reports.length === 2);
  expect(reported()).toEqual(["started", "completed"]);
});

test("progress is reported now and then, not at every change", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  for (let step = 1; step <= 100; step += 1) {
    daemon.ran[0]?.run.onProgress({ files_done: step, bytes_done: step });
    await clock.advance(100);
  }
  await until(() => reported().includes("progress"));
  expect(reported().filter((kind) => kind === "progress").length).toBeLessThanOrEqual(5);
});

test("stopping ends the running job, reports it, and sends what waits", async () => {
  const daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  await daemon.stop();
  expect(reported()).toEqual(["started", "cancelled"]);
});

test("stopping while the server is away keeps the reports for the next start", async () => {
  const daemon = await start();
  link.order(backupOrder(1));
  await until(() => link.reports.length === 1);
  link.failure = new AgentError("server-unavailable", "gone");
  await daemon.stop();
  expect(reported()).toEqual(["started"]);

  link.failure = undefined;
  await using _again = await start();
  await until(() => link.reports.length === 2);
  expect(reported()).toEqual(["started", "cancelled"]);
});

test("a job that was cut off by a kill is reported as failed at the next start, and does not run again", async () => {
  const killed = await Inbox.open(machine.path("inbox.json"));
  killed.accept(backupOrder(1));
  await killed.begin();

  link.pending = [backupOrder(1)];
  await using daemon = await start();
  await until(() => link.reports.length === 1);
  expect(link.reports[0]).toMatchObject({ kind: "finished", outcome: "failed", job_id: jobId(1) });
  expect(daemon.ran).toEqual([]);
});
