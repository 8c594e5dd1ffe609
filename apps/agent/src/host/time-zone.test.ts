import { expect, onTestFinished, test } from "vitest";
import { followTimeZone, machineTimeZone, type ZoneReaders } from "./time-zone.ts";

function readers({ link, text }: { link?: string; text?: string }): ZoneReaders {
  return {
    link: (file) => Promise.resolve(file === "/etc/localtime" ? link : undefined),
    text: (file) => Promise.resolve(file === "/etc/timezone" ? text : undefined),
    ofProcess: () => "Asia/Tokyo",
  };
}

const linux = { env: {}, platform: "linux" } as const;

test.each([
  ["/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"],
  ["../usr/share/zoneinfo/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"],
  ["/usr/share/zoneinfo/posix/Europe/Paris", "Europe/Paris"],
  ["/etc/zoneinfo/UTC", "UTC"],
])("the zone is where /etc/localtime leads: %s", async (link, zone) => {
  expect(await machineTimeZone(linux, readers({ link }))).toBe(zone);
});

test("macOS keeps its zones elsewhere", async () => {
  const facts = { env: {}, platform: "darwin" } as const;
  expect(await machineTimeZone(facts, readers({ link: "/var/db/timezone/zoneinfo/Europe/Paris" }))).toBe(
    "Europe/Paris",
  );
});

test("where /etc/localtime is a copy, /etc/timezone says what of", async () => {
  expect(await machineTimeZone(linux, readers({ text: "Europe/Berlin\n" }))).toBe("Europe/Berlin");
});

test("TZ in the environment goes before the system's files", async () => {
  const facts = { ...linux, env: { TZ: "Asia/Tokyo" } };
  expect(await machineTimeZone(facts, readers({ link: "/usr/share/zoneinfo/Europe/Paris" }))).toBe("Asia/Tokyo");
});

test("what is no zone is passed over, and in the end the process knows one", async () => {
  expect(await machineTimeZone(linux, readers({ link: "/usr/share/zoneinfo/Nowhere", text: "??" }))).toBe("Asia/Tokyo");
  expect(await machineTimeZone({ ...linux, platform: "win32" }, readers({}))).toBe("Asia/Tokyo");
  expect(await machineTimeZone(linux, { ...readers({}), ofProcess: () => "Etc/Unknown-Here" })).toBe("UTC");
});

test("the process follows a new zone, so that the time of day is that of the machine", () => {
  const before = process.env["TZ"];
  onTestFinished(() => {
    if (before === undefined) delete process.env["TZ"];
    else process.env["TZ"] = before;
  });
  const summer = new Date("2026-07-01T12:00:00Z");
  followTimeZone("Asia/Tokyo");
  expect(summer.getHours()).toBe(21);
  followTimeZone("Europe/Paris");
  expect(summer.getHours()).toBe(14);
});
