import type { Order } from "@saveos/contract";
import { beforeEach, expect, test } from "vitest";
import { AgentError } from "../errors/agent-error.ts";
import { endOfAborted, type JobEnd, type JobRun } from "../jobs/job-end.ts";
import { ManualClock, settled, until } from "../testing/manual-clock.ts";
import { backupOrder, jobId, MemoryLink } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";
import { Bell } from "./bell.ts";
import { runDaemon } from "./daemon.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { ServerClock } from "./server-clock.ts";

let machine: TestMachine;
let clock: ManualClock;
let link: MemoryLink;
let log: string[];
let notes: (string | undefined)[];
let kept: string[];

beforeEach(async () => {
  machine = await TestMachine.create();
  clock = new ManualClock();
  link = new MemoryLink();
  log = [];
  notes = [];
  kept = [];
  return () => machine[Symbol.asyncDispose]();
});

/** What a test may have otherwise. */
interface Changes {
  /** How orders are run: each waits until the test ends it, or its signal does, unless told. */
  readonly runOrder?: (order: Order, run: JobRun) => Promise<JobEnd>;
  readonly timeZone?: () => Promise<string>;
}

interface Running extends AsyncDisposable {
  readonly ran: { readonly order: Order; readonly run: JobRun; readonly end: (end: JobEnd) => void }[];
  readonly outbox: Outbox;
  stop(): Promise<void>;
}

async function start(changes: Changes = {}): Promise<Running> {
  const ran: Running["ran"] = [];
  const stopping = new AbortController();
  const outbox = await Outbox.open(machine.path("outbox.json"));
  const serverClock = new ServerClock(clock);
  const done = runDaemon(
    {
      link,
      inbox: await Inbox.open(machine.path("inbox.json")),
      outbox,
      clock,
      random: () => 1,
      log: { info: (message) => log.push(message), warn: (message) => log.push(`warning: ${message}`) },
      reportsWait: new Bell(),
      serverClock,
      note: (failure) => {
        notes.push(failure);
        return Promise.resolve();
      },
      runOrder: (order, run) =>
        new Promise((resolve) => {
          ran.push({ order, run, end: resolve });
          run.signal.addEventListener("abort", () => resolve(endOfAborted(run.signal)));
        }),
      keepCredential: (credential) => {
        kept.push(credential);
        return Promise.resolve();
      },
      timeZone: () => Promise.resolve("Europe/Paris"),
      vault: { version: 0, heed: () => Promise.resolve() },
      ...changes,
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

/** What the server was told, but for the lines of logs. */
const told = () => link.reports.filter(({ kind }) => kind !== "log");
const reported = () => told().map((report) => (report.kind === "finished" ? report.outcome : report.kind));
const lines = () => link.reports.flatMap((report) => (report.kind === "log" ? report.lines : []));

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
  await until(() => told().length === 2);
  expect(reported()).toEqual(["started", "partial"]);
  expect(link.reports.at(-1)).toMatchObject({ job_id: jobId(1), reason: "some" });
});

test("an order that comes again while it waits, runs or is done runs once", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  link.order(backupOrder(1));
  daemon.ran[0]?.end({ outcome: "completed" });
  await until(() => told().length === 2);
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
  expect(link.heartbeats.length - before).toBeLessThanOrEqual(8);
});

test("the server can cancel the running job", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  await until(() => clock.sleeping > 0);
  link.cancelled = [jobId(1)];
  await clock.advance(2_500);
  await until(() => told().length === 2);
  expect(reported()).toEqual(["started", "cancelled"]);
});

test("a waiting order that is cancelled never runs", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  link.order(backupOrder(2));
  await until(() => daemon.ran.length === 1 && link.pending.length === 1);
  link.pending = [];
  link.cancel(jobId(2));
  await until(() => clock.sleeping > 0);
  await clock.advance(5_000);
  await until(() => link.cancelled.length === 0);
  daemon.ran[0]?.end({ outcome: "completed" });
  await until(() => reported().length === 2);
  for (let round = 0; round < 5; round += 1) await settled();
  expect(daemon.ran).toHaveLength(1);
});

test("an order that comes together with its cancellation does not run", async () => {
  await using daemon = await start();
  await until(() => link.heartbeats.length === 2);
  link.pending = [backupOrder(1)];
  link.cancel(jobId(1));
  link.release();
  for (let round = 0; round < 5; round += 1) await settled();
  expect(daemon.ran).toEqual([]);
});

test("the log of a job says when it begins, what it says, and how it ended", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  daemon.ran[0]?.run.say("warning", "Somebody holds a lock", "Bob holds a lock");
  daemon.ran[0]?.end({ outcome: "failed", error: "repository-locked", reason: "The repository is locked" });
  await until(() => reported().length === 2);
  expect(lines().map(({ level, text }) => `${level}: ${text}`)).toEqual([
    "info: The backup begins",
    "warning: Somebody holds a lock",
    "error: The backup ended failed: The repository is locked",
  ]);
  expect(log).toContain("warning: Bob holds a lock");
  expect(log).not.toContain("warning: Somebody holds a lock");
});

test("a credential that the server calls old is replaced, and everything else goes on", async () => {
  link.rotatesCredential = true;
  await using _daemon = await start();
  await until(() => kept.length > 0);
  expect(kept[0]).toBe("saveos_agent_1_new1");
  link.rotatesCredential = false;
  await until(() => link.heartbeats.length === 2);
});

test("a credential that can't be replaced is tried again, and said once", async () => {
  link.rotatesCredential = true;
  link.renewCredential = () => Promise.reject(new AgentError("server-unavailable", "not now"));
  await using _daemon = await start();
  for (let round = 2; round < 5; round += 1) {
    await until(() => link.heartbeats.length >= round);
    link.release();
    await settled();
    await clock.advance(5_000);
  }
  expect(kept).toEqual([]);
  expect(log.filter((line) => line.includes("could not be renewed"))).toHaveLength(1);
});

test("every heartbeat says the machine's time zone of that moment", async () => {
  let zone = "Europe/Paris";
  await using _daemon = await start({ timeZone: () => Promise.resolve(zone) });
  await until(() => link.heartbeats.length === 2);
  zone = "Asia/Tokyo";
  link.release();
  await until(() => clock.sleeping > 0);
  await clock.advance(5_000);
  await until(() => link.heartbeats.length === 3);
  expect(link.heartbeats.map(({ time_zone }) => time_zone)).toEqual(["Europe/Paris", "Europe/Paris", "Asia/Tokyo"]);
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
  await until(() => told().length === 1);
  link.failure = new AgentError("server-unavailable", "gone");
  daemon.ran[0]?.end({ outcome: "completed" });
  await until(() => daemon.outbox.waiting.some(({ kind }) => kind === "finished"));
  link.failure = undefined;
  await until(() => clock.sleeping > 0);
  await clock.advance(60_000);
  link.release();
  await until(() => told().length === 2);
  expect(reported()).toEqual(["started", "completed"]);
});

test("progress is reported now and then, not at every change", async () => {
  await using daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  for (let step = 1; step <= 100; step += 1) {
    daemon.ran[0]?.run.onProgress({ filesDone: step, bytesDone: step });
    await clock.advance(100);
  }
  await until(() => reported().includes("progress"));
  expect(reported().filter((kind) => kind === "progress").length).toBeLessThanOrEqual(5);
});

test("stopping ends the running job, reports it as worth another try, and sends what waits", async () => {
  const daemon = await start();
  link.order(backupOrder(1));
  await until(() => daemon.ran.length === 1);
  await daemon.stop();
  expect(reported()).toEqual(["started", "failed"]);
  expect(told().at(-1)).toMatchObject({ error: "agent-stopped" });
});

test("stopping while the server is away keeps the reports for the next start", async () => {
  const daemon = await start();
  link.order(backupOrder(1));
  await until(() => told().length === 1);
  link.failure = new AgentError("server-unavailable", "gone");
  await daemon.stop();
  expect(reported()).toEqual(["started"]);

  link.failure = undefined;
  await using _again = await start();
  await until(() => told().length === 2);
  expect(reported()).toEqual(["started", "failed"]);
});

test("a job that was cut off by a kill is reported as failed at the next start, and does not run again", async () => {
  const killed = await Inbox.open(machine.path("inbox.json"));
  killed.accept(backupOrder(1));
  await killed.begin();

  link.pending = [backupOrder(1)];
  await using daemon = await start();
  await until(() => told().length === 1);
  expect(link.reports[0]).toMatchObject({
    kind: "finished",
    outcome: "failed",
    error: "agent-stopped",
    job_id: jobId(1),
  });
  expect(daemon.ran).toEqual([]);
});
