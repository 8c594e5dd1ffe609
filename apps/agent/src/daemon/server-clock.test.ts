import { expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { ServerClock } from "./server-clock.ts";

test("how far the server's clock is ahead is known once it has answered, and follows its last answer", () => {
  const clock = new ManualClock();
  const serverClock = new ServerClock(clock);
  expect(serverClock.aheadMs).toBeUndefined();
  const nowMs = Number(clock.nowNs() / 1_000_000n);
  serverClock.note(new Date(nowMs + 5000).toISOString());
  expect(serverClock.aheadMs).toBe(5000);
  serverClock.note(new Date(nowMs - 3_600_000).toISOString());
  expect(serverClock.aheadMs).toBe(-3_600_000);
});
