import { expect, test } from "vitest";
import { findHome } from "./home.ts";

const linux = { platform: "linux", env: {}, homeFolder: "/home/ann", system: false } as const;

test("on Linux the XDG folders are used", () => {
  expect(findHome(linux)).toEqual({
    configFile: "/home/ann/.config/saveos/config.json",
    secretsFile: "/home/ann/.config/saveos/secrets.json",
    hooksFile: "/home/ann/.config/saveos/hooks.json",
    restoreFoldersFile: "/home/ann/.config/saveos/restore-folders.json",
    vaultFile: "/home/ann/.config/saveos/vault.json",
    stateFolder: "/home/ann/.local/state/saveos",
    cacheFolder: "/home/ann/.cache/saveos",
  });
  expect(findHome({ ...linux, env: { XDG_CONFIG_HOME: "/cfg" } }).configFile).toBe("/cfg/saveos/config.json");
});

test("on macOS the person's library is used", () => {
  expect(findHome({ ...linux, platform: "darwin", homeFolder: "/Users/ann" })).toMatchObject({
    configFile: "/Users/ann/Library/Application Support/SaveOS/config.json",
    cacheFolder: "/Users/ann/Library/Caches/SaveOS",
  });
});

test("on Windows the application data folders are used", () => {
  const env = { APPDATA: "C:\\Users\\ann\\AppData\\Roaming", LOCALAPPDATA: "C:\\Users\\ann\\AppData\\Local" };
  expect(findHome({ platform: "win32", env, homeFolder: "C:\\Users\\ann", system: false })).toMatchObject({
    configFile: "C:\\Users\\ann\\AppData\\Roaming\\SaveOS\\config.json",
    cacheFolder: "C:\\Users\\ann\\AppData\\Local\\SaveOS\\cache",
  });
});

test("a service has the system's own places", () => {
  expect(findHome({ ...linux, system: true }).configFile).toBe("/etc/saveos/config.json");
  expect(findHome({ ...linux, platform: "darwin", system: true }).configFile).toBe(
    "/Library/Application Support/SaveOS/config.json",
  );
  expect(findHome({ ...linux, platform: "win32", system: true }).configFile).toBe(
    "C:\\ProgramData\\SaveOS\\config.json",
  );
});

test("SAVEOS_HOME holds everything in one folder, so several agents fit on one machine", () => {
  expect(findHome({ ...linux, env: { SAVEOS_HOME: "/srv/agent1" }, system: true })).toEqual({
    configFile: "/srv/agent1/config.json",
    secretsFile: "/srv/agent1/secrets.json",
    vaultFile: "/srv/agent1/vault.json",
    hooksFile: "/srv/agent1/hooks.json",
    restoreFoldersFile: "/srv/agent1/restore-folders.json",
    stateFolder: "/srv/agent1/state",
    cacheFolder: "/srv/agent1/cache",
  });
});
