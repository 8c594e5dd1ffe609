import { expect, test } from "vitest";
import { settled } from "../testing/manual-clock.ts";
import { Bell } from "./bell.ts";

const never = new AbortController().signal;

test("a ring before the wait is not lost", async () => {
  const bell = new Bell();
  bell.ring();
  await bell.wait(never);
});

test("a wait ends at the next ring, and two rings are one", async () => {
  const bell = new Bell();
  let woken = 0;
  const first = bell.wait(never).then(() => (woken += 1));
  bell.ring();
  bell.ring();
  await first;
  void bell.wait(never).then(() => (woken += 1));
  await settled();
  expect(woken).toBe(1);
});

test("a wait ends when its signal aborts", async () => {
  const stopping = new AbortController();
  const waiting = new Bell().wait(stopping.signal);
  stopping.abort();
  await waiting;
});
