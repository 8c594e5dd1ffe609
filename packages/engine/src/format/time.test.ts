import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { formatTime, parseTime, utcZone, type Zone, zoneOf } from "./time.ts";

const second = 1_000_000_000n;
const yearZero = -62_167_219_200n * second;
const yearTenThousand = 253_402_300_800n * second;

/** The zone as the runtime's internationalisation knows it, another way than `localZone` goes. */
function zoneNamed(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  return (epochSeconds) => {
    const name = format.formatToParts(epochSeconds * 1000).find(({ type }) => type === "timeZoneName")?.value ?? "";
    const [, sign, hours = "0", minutes = "0", seconds = "0"] = /GMT([+-])?(\d\d)?:?(\d\d)?:?(\d\d)?/.exec(name) ?? [];
    const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    return sign === "-" ? -offset : offset;
  };
}

const newYork = zoneNamed("America/New_York");
const london = zoneNamed("Europe/London");
/** Local mean time until 1937. Given by hand: newer time zone databases have merged Amsterdam with Brussels. */
const amsterdamIn1906: Zone = () => 19 * 60 + 32;

test.each<[string, bigint, Zone, string]>([
  ["trailing zeros of the fraction go", 1_700_000_000_120_000_000n, utcZone, "2023-11-14T22:13:20.12Z"],
  ["leading zeros of the fraction stay", 1_700_000_000_000_000_100n, newYork, "2023-11-14T17:13:20.0000001-05:00"],
  ["a whole second has no fraction", 1_700_000_000n * second, utcZone, "2023-11-14T22:13:20Z"],
  ["London in winter is Z", 1_700_000_000n * second, london, "2023-11-14T22:13:20Z"],
  ["London in summer is an hour ahead", 1_690_000_000n * second, london, "2023-07-22T05:26:40+01:00"],
  ["before 1970 the fraction still counts forward", -second + 1n, utcZone, "1969-12-31T23:59:59.000000001Z"],
  ["the zero time of Go", -62_135_596_800n * second, utcZone, "0001-01-01T00:00:00Z"],
  ["years have four digits", yearZero, utcZone, "0000-01-01T00:00:00Z"],
  ["the last nanosecond", yearTenThousand - 1n, utcZone, "9999-12-31T23:59:59.999999999Z"],
  ["a leap day", 951_782_400n * second, utcZone, "2000-02-29T00:00:00Z"],
])("%s", (_what, ns, zone, text) => {
  expect(formatTime(ns, zone)).toBe(text);
  expect(parseTime(text)).toBe(ns);
});

test("seconds of odd historic offsets are cut off the zone, as in Go", () => {
  const in1906 = -2_000_000_000n * second;
  expect(formatTime(in1906, amsterdamIn1906)).toBe("1906-08-16T20:46:12+00:19");
  expect(formatTime(in1906, zoneNamed("Europe/Paris"))).toBe("1906-08-16T20:36:01+00:09");
  expect(formatTime(0n, () => -30)).toBe("1969-12-31T23:59:30+00:00");
  expect(formatTime(0n, () => -90)).toBe("1969-12-31T23:58:30-00:01");
});

test.each<[string, bigint, Zone, string]>([
  ["a year before 0 becomes 0", yearZero - second, utcZone, "0000-12-31T23:59:59Z"],
  ["a year after 9999 becomes 9999", yearTenThousand + 1n, utcZone, "9999-01-01T00:00:00.000000001Z"],
  ["the local year counts", yearTenThousand - 1n, () => 3600, "9999-01-01T00:59:59.999999999+01:00"],
  ["29 February becomes 1 March", 253_407_484_799n * second, utcZone, "9999-03-01T23:59:59Z"],
  ["64-bit seconds of a damaged file system", 0x7fff_ffff_ffff_ffffn * second, utcZone, "9999"],
  ["64-bit seconds before 1970", -0x7fff_ffff_ffff_ffffn * second, utcZone, "0000"],
])("out of range: %s", (_what, ns, zone, text) => {
  expect(formatTime(ns, zone)).toMatch(new RegExp(`^${text.replace(/[+.]/g, "\\$&")}`));
});

test("any time from year 0 to 9999 in any zone of whole minutes is read back as the same nanosecond", () => {
  const minutes = fc.integer({ min: -18 * 60, max: 18 * 60 });
  const times = fc.bigInt({ min: yearZero + 86_400n * second, max: yearTenThousand - 86_400n * second });
  fc.assert(
    fc.property(times, minutes, (ns, offset) => {
      expect(parseTime(formatTime(ns, () => offset * 60))).toBe(ns);
    }),
  );
});

test("dates agree with the runtime's calendar", () => {
  const milliseconds = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
  fc.assert(
    fc.property(milliseconds, (ms) => {
      const text = formatTime(BigInt(ms) * 1_000_000n, utcZone);
      expect(text.slice(0, 19)).toBe(new Date(ms).toISOString().slice(0, 19));
      expect(parseTime(new Date(ms).toISOString())).toBe(BigInt(ms) * 1_000_000n);
    }),
  );
});

test("digits beyond the ninth are cut", () => {
  expect(parseTime("1970-01-01T00:00:00.1234567899Z")).toBe(123_456_789n);
});

test.each([
  "",
  "2023-11-14",
  "2023-11-14T22:13:20",
  "2023-11-14 22:13:20Z",
  "2023-11-14T22:13:20z",
  "2023-11-14T22:13:20.Z",
  "2023-11-14T22:13:20,5Z",
  "2023-11-14T22:13:20Z ",
  "2023-11-14T22:13:20+0100",
  "2023-11-14T22:13:20+24:00",
  "2023-11-14T22:13:20+01:60",
  "2023-11-14T24:00:00Z",
  "2023-11-14T22:60:00Z",
  "2023-11-14T22:13:60Z",
  "2023-13-01T00:00:00Z",
  "2023-00-01T00:00:00Z",
  "2023-02-29T00:00:00Z",
  "1900-02-29T00:00:00Z",
  "2023-11-00T00:00:00Z",
  "-023-11-14T22:13:20Z",
  "20x3-11-14T22:13:20Z",
  "٢٠٢٣-11-14T22:13:20Z",
  `2023-11-14T22:13:20.${"1".repeat(100_000)}`,
])("%s is not a time", (text) => {
  expect(() => parseTime(text)).toThrow(EngineError);
});

test("a time is in this machine's zone where their offsets agree, as with Go, and else in one that never changes", () => {
  const paris = zoneNamed("Europe/Paris");
  const winter = Number(parseTime("2024-01-15T00:00:00Z") / second);
  expect(zoneOf("2024-07-15T12:00:00+02:00", paris)(winter)).toBe(3600);
  expect(zoneOf("2024-07-15T12:00:00+03:00", paris)(winter)).toBe(3 * 3600);
  expect(zoneOf("2024-01-15T12:00:00+02:00", paris)(winter)).toBe(2 * 3600);
  expect(zoneOf("2024-01-15T12:00:00.5-03:30", paris)(winter)).toBe(-3.5 * 3600);
  expect(zoneOf("2024-01-15T12:00:00Z", zoneNamed("Europe/London"))(winter + 180 * 86_400)).toBe(0);
  expect(() => zoneOf("2024-01-15", paris)).toThrow(EngineError);
});
