import { beforeEach, expect, test } from "vitest";
import { endOfAborted, type JobEnd, type JobRun } from "../jobs/job-end.ts";
import { ManualClock, settled, until } from "../testing/manual-clock.ts";
import { backupOrder, jobId } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";
import { Bell } from "./bell.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { Worker } from "./worker.ts";

let machine: TestMachine;
let clock: ManualClock;
let outbox: Outbox;
let log: string[];

beforeEach(async () => {
  machine = await TestMachine.create();
  clock = new ManualClock();
  outbox = await Outbox.open(machine.path("outbox.json"));
  log = [];
  return () => machine[Symbol.asyncDispose]();
});

interface Working extends AsyncDisposable {
  readonly worker: Worker;
  /** The jobs that began, in order. */
  readonly begun: string[];
}

async function start(runOrder: (run: JobRun, begun: readonly string[]) => Promise<JobEnd>): Promise<Working> {
  const stopping = new AbortController();
  const begun: string[] = [];
  const worker = new Worker({
    inbox: await Inbox.open(machine.path("inbox.json")),
    outbox,
    clock,
    log: { info: (text) => log.push(text), warn: (text) => log.push(text) },
    reportsWait: new Bell(),
    runOrder: async (order, run) => {
      begun.push(order.job_id);
      return await runOrder(run, begun);
    },
  });
  const done = worker.run(stopping.signal);
  return {
    worker,
    begun,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await done;
    },
  };
}

const ends = () => outbox.waiting.flatMap((report) => (report.kind === "finished" ? [report] : []));

test("a cancelled job that ends by itself is reported with how it ended", async () => {
  await using working = await start(
    async ({ signal }) =>
      await new Promise((resolve) => signal.addEventListener("abort", () => resolve(endOfAborted(signal)))),
  );
  working.worker.accept(backupOrder(1));
  await until(() => working.begun.length === 1);
  working.worker.cancel(jobId(1));
  await until(() => ends().length === 1);
  expect(ends()[0]).toMatchObject({ outcome: "cancelled", reason: "It was cancelled before it was done" });
});

test("a cancelled job is over two seconds later, though what it was doing hangs; the next one waits for that", async () => {
  const hanging = Promise.withResolvers<JobEnd>();
  await using working = await start(async (_run, begun) =>
    begun.length === 1 ? await hanging.promise : { outcome: "completed" },
  );
  working.worker.accept(backupOrder(1));
  working.worker.accept(backupOrder(2));
  await until(() => working.begun.length === 1);
  const before = clock.sleeping;
  working.worker.cancel(jobId(1));
  await until(() => clock.sleeping > before);
  await clock.advance(2_000);
  await until(() => ends().length === 1);
  expect(ends()[0]).toMatchObject({ job_id: jobId(1), outcome: "cancelled" });
  for (let round = 0; round < 10; round += 1) await settled();
  expect(working.begun).toEqual([jobId(1)]);

  hanging.resolve({ outcome: "cancelled" });
  await until(() => ends().length === 2);
  expect(ends()[1]).toMatchObject({ job_id: jobId(2), outcome: "completed" });
});

test("a job that never lets go does not keep the machine from its other jobs for ever", async () => {
  await using working = await start(
    async (_run, begun) => await (begun.length === 1 ? new Promise<JobEnd>(() => undefined) : completed),
  );
  working.worker.accept(backupOrder(1));
  working.worker.accept(backupOrder(2));
  await until(() => working.begun.length === 1);
  const before = clock.sleeping;
  working.worker.cancel(jobId(1));
  await until(() => clock.sleeping > before);
  await clock.advance(2_000);
  await until(() => ends().length === 1 && clock.sleeping > 0);
  await clock.advance(60 * 60_000);
  await until(() => ends().length === 2);
  expect(log).toContainEqual(expect.stringContaining("does not end"));
});

test("a job that ended before it was cancelled is what it was", async () => {
  await using working = await start(async () => await completed);
  working.worker.accept(backupOrder(1));
  await until(() => ends().length === 1);
  working.worker.cancel(jobId(1));
  expect(ends().map(({ outcome }) => outcome)).toEqual(["completed"]);
});

const completed = Promise.resolve<JobEnd>({ outcome: "completed" });
