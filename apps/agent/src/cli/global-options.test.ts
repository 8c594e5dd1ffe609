import { Command } from "commander";
import { expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { addGlobalOptions, type GlobalOptions, settleGlobalOptions } from "./global-options.ts";

async function settled(argv: readonly string[], env: Record<string, string> = {}): Promise<GlobalOptions> {
  await using machine = await TestMachine.create();
  const program = addGlobalOptions(new Command(), { hidden: false }).enablePositionalOptions().exitOverride();
  const command = addGlobalOptions(program.command("snapshots"), { hidden: true }).action(() => undefined);
  await program.parseAsync(argv, { from: "user" });
  return settleGlobalOptions(command, machine.world({ env }));
}

test("an option behind the command's name wins over one before it", async () => {
  expect((await settled(["-r", "first", "snapshots", "-r", "second"])).repo).toBe("second");
});

test("-v adds up wherever it stands", async () => {
  expect((await settled(["-v", "snapshots", "-v"])).verbosity).toBe(2);
  expect((await settled(["snapshots", "-vv"])).verbosity).toBe(2);
});

test("what is not given has its default, or restic's environment", async () => {
  expect(await settled(["snapshots"])).toMatchObject({
    noLock: false,
    noCache: false,
    compression: "auto",
    retryLockMs: 0,
  });
  const env = {
    RESTIC_COMPRESSION: "max",
    RESTIC_PACK_SIZE: "64",
    RESTIC_CACHE_DIR: "/cache",
    RESTIC_CACERT: "/ca.pem",
  };
  expect(await settled(["snapshots"], env)).toMatchObject({
    compression: "max",
    packSizeBytes: 64 * 1024 * 1024,
    cacheFolder: "/cache",
    caFile: "/ca.pem",
  });
});

test("speed limits are KiB a second, as with restic", async () => {
  expect(await settled(["snapshots", "--limit-upload", "100"])).toMatchObject({
    uploadBytesPerSecond: 102_400,
    downloadBytesPerSecond: undefined,
  });
});

test("windows of speed are kept as written, and priority is normal unless asked", async () => {
  expect(await settled(["snapshots"])).toMatchObject({ limitWindow: undefined, lowPriority: false });
  const argv = ["--low-priority", "snapshots", "--limit-window", "08:00-18:00 1M"];
  expect(await settled(argv)).toMatchObject({ limitWindow: "08:00-18:00 1M", lowPriority: true });
});

test("`--no-lock` and `--no-cache` count before and behind the command", async () => {
  expect(await settled(["--no-lock", "snapshots", "--no-cache"])).toMatchObject({ noLock: true, noCache: true });
});

test.each([
  ["RESTIC_COMPRESSION", "hard"],
  ["RESTIC_PACK_SIZE", "1"],
])("a senseless %s is refused and named", async (name, value) => {
  await expect(settled(["snapshots"], { [name]: value })).rejects.toThrow(name);
});

test("settings of stores keep everything behind the first =", async () => {
  expect([...(await settled(["snapshots", "-o", "s3.region=eu-1", "-o", "s3.bucket-lookup=path"])).extended]).toEqual([
    ["s3.region", "eu-1"],
    ["s3.bucket-lookup", "path"],
  ]);
});
