import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseSpeedWindows, speedByWindows } from "./speed-windows.ts";

const mebibyte = 2 ** 20;
/** 2026-01-05 is a Monday. */
const at = (day: number, time: string) => Date.parse(`2026-01-${String(day).padStart(2, "0")}T${time}:00`);
const speedAt = (text: string, atMs: number, fallback?: number) => {
  const speed = speedByWindows(parseSpeedWindows(text), fallback);
  return typeof speed === "number" ? speed : speed(atMs);
};

test("a window holds from its first minute to before its last, every day, in local time", () => {
  const text = "08:00-18:00 1M, else unlimited";
  expect(speedAt(text, at(5, "07:59"))).toBeUndefined();
  expect(speedAt(text, at(5, "08:00"))).toBe(mebibyte);
  expect(speedAt(text, at(11, "17:59"))).toBe(mebibyte);
  expect(speedAt(text, at(5, "18:00"))).toBeUndefined();
});

test("days are single, ranges, or several, and a range may go over the week's end", () => {
  const text = "mon-wed fri 00:00-24:00 1K, sat-sun 00:00-24:00 2K, else 3K";
  const days = [5, 6, 7, 8, 9, 10, 11].map((day) => Number(speedAt(text, at(day, "12:00"))) / 1024);
  expect(days).toEqual([1, 1, 1, 3, 1, 2, 2]);
  expect(speedAt("sat-mon 00:00-24:00 0", at(5, "12:00"))).toBe(0);
});

test("a window over midnight belongs to the day on which it begins", () => {
  const text = "fri 22:00-06:00 0, else 1K";
  expect(speedAt(text, at(9, "22:00"))).toBe(0);
  expect(speedAt(text, at(10, "05:59"))).toBe(0);
  expect(speedAt(text, at(10, "06:00"))).toBe(1024);
  expect(speedAt(text, at(9, "05:59"))).toBe(1024);
});

test("the first window that fits holds, and without an else the limit that was set besides", () => {
  const text = "12:00-13:00 unlimited, 08:00-18:00 1.5m";
  expect(speedAt(text, at(5, "12:30"), 7000)).toBeUndefined();
  expect(speedAt(text, at(5, "13:00"), 7000)).toBe(1.5 * mebibyte);
  expect(speedAt(text, at(5, "19:00"), 7000)).toBe(7000);
});

test.each([
  "",
  "1M",
  "08:00-18:00",
  "8-18 1M",
  "08:00-18:60 1M",
  "08:00-24:01 1M",
  "08:00-18:00 fast",
  "08:00-18:00 -1",
  "08:00-18:00 1M,",
  "else 1M, 08:00-18:00 0",
  "noon-fri 08:00-18:00 1M",
  "mon-xyz 08:00-18:00 1M",
])("%j is refused with the part that is not understood and an example", (text) => {
  expect(() => parseSpeedWindows(text)).toThrow("not understood");
});

test("a speed that no connection survives is refused", () => {
  expect(() => parseSpeedWindows("08:00-18:00 100")).toThrow(
    expect.objectContaining({ hint: expect.stringContaining("1K") }),
  );
});

test("no text makes it fail in another way", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9:, .-]{0,40}$/)), (text) => {
      try {
        parseSpeedWindows(text);
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid-input" });
      }
    }),
  );
});
