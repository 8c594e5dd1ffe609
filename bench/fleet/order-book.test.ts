import { beforeEach, expect, test } from "vitest";
import { OrderBook } from "./order-book.ts";

let book: OrderBook;

beforeEach(() => {
  book = new OrderBook();
});

const completed = () => "completed" as const;

function send(jobId: string, agentId: string, sentAt = 100): void {
  book.sent(jobId, { agentId, sentAt, acceptedAt: sentAt + 5 });
}

test("an order that came once to its agent and whose job is completed has nothing to be said of but its time", () => {
  send("job", "agent");
  book.received("job", { agentId: "agent", at: 130 });
  expect(book.judge(completed)).toEqual({
    sent: 1,
    lost: [],
    repeated: [],
    astray: [],
    unfinished: [],
    latenciesMs: [30],
  });
});

test("an order may come before the answer to the one who sent it", () => {
  book.received("job", { agentId: "agent", at: 104 });
  send("job", "agent");
  expect(book.judge(completed)).toMatchObject({ lost: [], latenciesMs: [4] });
});

test("an order that never came is lost, whatever the server says", () => {
  send("job", "agent");
  expect(book.judge(completed)).toMatchObject({ lost: ["job"], latenciesMs: [] });
});

test("an order that comes twice is counted, and its time is that of the first", () => {
  send("job", "agent");
  book.received("job", { agentId: "agent", at: 110 });
  book.received("job", { agentId: "agent", at: 190 });
  expect(book.judge(completed)).toMatchObject({ repeated: ["job"], astray: [], latenciesMs: [10] });
});

test("an order that comes to another agent is told", () => {
  send("job", "agent");
  book.received("job", { agentId: "another", at: 110 });
  expect(book.judge(completed)).toMatchObject({ astray: ["job"], lost: [] });
});

test("a job that the server doesn't call completed, or doesn't know, is unfinished", () => {
  for (const job of ["running", "unknown", "done"]) send(job, "agent");
  const states = new Map([
    ["running", "running"],
    ["done", "completed"],
  ] as const);
  expect(book.judge((job) => states.get(job as "done")).unfinished).toEqual(["running", "unknown"]);
});
