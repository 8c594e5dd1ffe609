import { expect, test } from "vitest";
import { parseCronExpression } from "./cron-expression.ts";
import { nextMatch } from "./cron-match.ts";

test("the minute itself is the next if it is named", () => {
  expect(after("30 2 * * *", "2026-01-01T02:30")).toBe("2026-01-01T02:30:00");
  expect(after("30 2 * * *", "2026-01-01T02:30:00.001")).toBe("2026-01-02T02:30:00");
});

test("the next time is in the same hour, a later hour, the next day, month or year", () => {
  expect(after("15,45 8,20 * * *", "2026-01-01T08:20")).toBe("2026-01-01T08:45:00");
  expect(after("15,45 8,20 * * *", "2026-01-01T08:50")).toBe("2026-01-01T20:15:00");
  expect(after("15,45 8,20 * * *", "2026-01-01T20:50")).toBe("2026-01-02T08:15:00");
  expect(after("0 0 31 * *", "2026-02-01T00:00")).toBe("2026-03-31T00:00:00");
  expect(after("0 0 1 1 *", "2026-01-01T00:01")).toBe("2027-01-01T00:00:00");
});

test("with both day fields restricted, a day that either names will do", () => {
  expect(after("0 0 13 * fri", "2026-02-01T00:00")).toBe("2026-02-06T00:00:00");
  expect(after("0 0 13 * mon", "2026-02-10T00:00")).toBe("2026-02-13T00:00:00");
});

test("a day field with a star restricts only what the other names", () => {
  expect(after("0 0 * * fri", "2026-02-01T00:00")).toBe("2026-02-06T00:00:00");
  expect(after("0 0 */2 * mon", "2026-02-01T00:00")).toBe("2026-02-09T00:00:00");
});

test("a day that comes once in forty years is found, one that never comes is not", () => {
  expect(after("0 0 29 2 */7", "2088-03-01T00:00")).toBe("2128-02-29T00:00:00");
  expect(after("0 0 30 2 *", "2026-01-01T00:00")).toBe("undefined");
});

function after(expression: string, from: string): string {
  return String(nextMatch(parseCronExpression(expression), Temporal.PlainDateTime.from(from)));
}
