import type { BandwidthWindow } from "@saveos/contract";
import { expect, test } from "vitest";
import { slowerOf, speedOfOrder } from "./speed-of-order.ts";

const windows: BandwidthWindow[] = [
  { from: "08:00", to: "18:00", upload_bytes_per_second: 1_000_000, download_bytes_per_second: null },
  { from: "12:00", to: "22:00", upload_bytes_per_second: 2_000_000, download_bytes_per_second: 3_000_000 },
  { from: "23:30", to: "00:30", upload_bytes_per_second: 20_000, download_bytes_per_second: 20_000 },
];

/** In the zone of this process, as the clock on the wall shows it. */
const at = (hours: number, minutes = 0) => new Date(2026, 0, 31, hours, minutes).getTime();

async function uploads(hours: number, minutes = 0): Promise<number | undefined> {
  const speed = await speedOfOrder(windows, "upload");
  return typeof speed === "number" ? speed : speed(at(hours, minutes));
}

test("the first window that holds counts, by the machine's own time of the day", async () => {
  expect(await uploads(7, 59)).toBeUndefined();
  expect(await uploads(8)).toBe(1_000_000);
  expect(await uploads(13)).toBe(1_000_000);
  expect(await uploads(18)).toBe(2_000_000);
  expect(await uploads(22)).toBeUndefined();
});

test("a window may go over midnight", async () => {
  expect(await uploads(23, 45)).toBe(20_000);
  expect(await uploads(0, 15)).toBe(20_000);
  expect(await uploads(0, 30)).toBeUndefined();
});

test("each direction has its own speed, and none in one of them is no limit there", async () => {
  const speed = await speedOfOrder(windows, "download");
  const downloads = (hours: number) => (typeof speed === "number" ? speed : speed(at(hours)));
  expect(downloads(13)).toBeUndefined();
  expect(downloads(19)).toBe(3_000_000);
});

test("of the order's speed and the machine's own the slower one holds", () => {
  const byOrder = (atMs: number) => (atMs > 100 ? 500 : undefined);
  const both = slowerOf(300, byOrder);
  expect(typeof both === "function" && [both(0), both(200)]).toEqual([300, 300]);
  const other = slowerOf(1_000, byOrder);
  expect(typeof other === "function" && [other(0), other(200)]).toEqual([1_000, 500]);
  const none = slowerOf(() => undefined, byOrder);
  expect(typeof none === "function" && [none(0), none(200)]).toEqual([undefined, 500]);
});

test("a pause of the machine's own is a pause", () => {
  const both = slowerOf(() => 0, 500);
  expect(typeof both === "function" && both(0)).toBe(0);
});

test("where only one of them says something, that holds", () => {
  expect(slowerOf(undefined, 5)).toBe(5);
  expect(slowerOf(5, undefined)).toBe(5);
  expect(slowerOf(undefined, undefined)).toBeUndefined();
});
