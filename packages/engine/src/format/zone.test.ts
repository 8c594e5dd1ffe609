import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

/** What `localZone` says on a machine in this zone: the runtime reads its zone once, so each has a process of its own. */
function localOffsets(timeZone: string, epochSeconds: readonly number[]): unknown {
  const script = `
    import { localZone } from ${JSON.stringify(new URL("./zone.ts", import.meta.url).href)};
    console.log(JSON.stringify(${JSON.stringify(epochSeconds)}.map((seconds) => localZone(seconds))));
  `;
  const env = { ...process.env, TZ: timeZone };
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", script], { env, encoding: "utf8" }));
}

const hour = 3600;
const winter2023 = 1_700_000_000;
const summer2023 = 1_690_000_000;

test("the local zone knows daylight saving time, to the second of the change", () => {
  const newYorkChange = 1_699_164_000;
  const times = [winter2023, summer2023, newYorkChange - 1, newYorkChange, newYorkChange - 1];
  expect(localOffsets("America/New_York", times)).toEqual([-5 * hour, -4 * hour, -4 * hour, -5 * hour, -4 * hour]);
});

test("the local zone knows zones off the hour and zones that change by half an hour", () => {
  expect(localOffsets("Asia/Kathmandu", [winter2023])).toEqual([5.75 * hour]);
  expect(localOffsets("Australia/Lord_Howe", [winter2023, summer2023])).toEqual([11 * hour, 10.5 * hour]);
});

test("the local zone knows the odd seconds of historic offsets", () => {
  expect(localOffsets("Europe/Paris", [-2_000_000_000])).toEqual([9 * 60 + 21]);
  // Until 1972-01-07 Liberia was 44½ minutes behind; the change falls inside a quarter of an hour.
  expect(localOffsets("Africa/Monrovia", [63_593_069, 63_593_070])).toEqual([-44.5 * 60, 0]);
});

test("times that the runtime has no date for still have an offset", () => {
  expect(localOffsets("Etc/GMT-2", [9e15, -9e15])).toEqual([2 * hour, 2 * hour]);
});
