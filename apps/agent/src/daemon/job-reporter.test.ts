import { beforeEach, expect, test } from "vitest";
import { ManualClock, until } from "../testing/manual-clock.ts";
import { jobId } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";
import { Bell } from "./bell.ts";
import { JobReporter } from "./job-reporter.ts";
import { Outbox } from "./outbox.ts";

let machine: TestMachine;
let clock: ManualClock;
let outbox: Outbox;
let own: string[];

beforeEach(async () => {
  machine = await TestMachine.create();
  clock = new ManualClock();
  outbox = await Outbox.open(machine.path("outbox.json"));
  own = [];
  return () => machine[Symbol.asyncDispose]();
});

function reporter(): JobReporter {
  const log = { info: (text: string) => own.push(text), warn: (text: string) => own.push(text) };
  return new JobReporter({ outbox, clock, log, reportsWait: new Bell() }, jobId(1));
}

const lines = () => outbox.waiting.flatMap((report) => (report.kind === "log" ? report.lines : []));
const progress = () => outbox.waiting.flatMap((report) => (report.kind === "progress" ? [report.progress] : []));

test("lines wait for each other for two seconds, and then travel together", async () => {
  await using job = reporter();
  job.say("info", "one");
  job.say("warning", "two");
  await clock.advance(1_999);
  expect(outbox.waiting).toEqual([]);
  await clock.advance(1);
  await until(() => outbox.waiting.length === 1);
  expect(lines().map(({ level, text }) => [level, text])).toEqual([
    ["info", "one"],
    ["warning", "two"],
  ]);
});

test("progress takes the lines that wait along, before itself", async () => {
  await using job = reporter();
  job.say("info", "scanned");
  job.progress({ filesDone: 1, bytesDone: 10 });
  await until(() => outbox.waiting.length === 2);
  expect(outbox.waiting.map(({ kind }) => kind)).toEqual(["log", "progress"]);
});

test("the end of a job leaves no line behind", async () => {
  const job = reporter();
  job.say("info", "last");
  await job.close();
  expect(lines()).toHaveLength(1);
  job.say("info", "too late for the server");
  job.progress({ filesDone: 1, bytesDone: 1 });
  await clock.advance(10_000);
  expect(outbox.waiting).toHaveLength(1);
  expect(own).toContain("too late for the server");
});

test("a job that does not stop talking is cut off, and the last line says so", async () => {
  const job = reporter();
  for (let line = 0; line < 1_500; line += 1) job.say("info", `line ${line}`);
  await job.close();
  expect(lines()).toHaveLength(1_000);
  expect(lines().at(-1)).toMatchObject({ level: "warning", text: expect.stringContaining("own log") as string });
  expect(outbox.waiting.every((report) => report.kind !== "log" || report.lines.length <= 100)).toBe(true);
  expect(own).toHaveLength(1_500);
});

test("a line that is too long is cut, not lost", async () => {
  const job = reporter();
  job.say("info", "x".repeat(5_000));
  await job.close();
  expect(lines()[0]?.text).toHaveLength(1_000);
});

test("progress tells the speed of the last seconds, and the time left once it can be told", async () => {
  await using job = reporter();
  for (let second = 0; second <= 4; second += 1) {
    job.progress({ filesDone: second, bytesDone: second * 1_000_000, filesTotal: 10, bytesTotal: 10_000_000 });
    await clock.advance(1_000);
  }
  await until(() => progress().length > 0);
  // The server takes them one by one: what is told last counts.
  await outbox.send(
    { heartbeat: never, renewCredential: never, sealPassword: never, report: async () => undefined },
    sending(),
  );
  job.progress({ filesDone: 5, bytesDone: 5_000_000, filesTotal: 10, bytesTotal: 10_000_000 });
  await clock.advance(2_000);
  await until(() => progress().length > 0);
  expect(progress().at(-1)).toMatchObject({ files_done: 5, files_total: 10, bytes_total: 10_000_000 });
  expect(progress().at(-1)?.bytes_per_second).toBeGreaterThan(500_000);
  expect(progress().at(-1)?.seconds_left).toBeGreaterThan(3);
});

test("while nothing moves nothing is told again", async () => {
  await using job = reporter();
  job.progress({ filesDone: 1, bytesDone: 0 });
  await until(() => progress().length === 1);
  await outbox.send(
    { heartbeat: never, renewCredential: never, sealPassword: never, report: async () => undefined },
    sending(),
  );
  for (let second = 0; second < 30; second += 1) await clock.advance(1_000);
  expect(outbox.waiting).toEqual([]);
});

function sending() {
  return { signal: new AbortController().signal, onRefused: () => undefined };
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
