import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BenchError } from "../bench-error.ts";
import type { Command } from "./command.ts";
import { measure } from "./measure.ts";

let temp: string;

beforeEach(async () => void (temp = await mkdtemp(join(tmpdir(), "saveos-bench-test-"))));
afterEach(async () => await rm(temp, { recursive: true }));

const never = new AbortController().signal;
const logFile = () => join(temp, "log");
const node = (script: string): Command => ({ program: process.execPath, args: ["-e", script], env: { WORD: "told" } });

describe("measuring a program", () => {
  test("the memory that it held is seen, and the time that it computed", async () => {
    const greedy = node("Buffer.alloc(300_000_000, 1); while (process.cpuUsage().user < 150_000);");
    const measured = await measure(greedy, { logFile: logFile(), signal: never });
    expect(measured.peakBytes).toBeGreaterThan(300e6);
    expect(measured.peakBytes).toBeLessThan(450e6);
    expect(measured.cpuSeconds).toBeGreaterThanOrEqual(0.15);
    expect(measured.wallSeconds).toBeGreaterThanOrEqual(0.15);
  });

  test("a child's child counts too", async () => {
    const inChild = `require("node:child_process").spawnSync(process.execPath, ["-e", "Buffer.alloc(300_000_000, 1)"])`;
    expect((await measure(node(inChild), { logFile: logFile(), signal: never })).peakBytes).toBeGreaterThan(300e6);
  });

  test("what it prints goes to the log, and the settings of the tools on this machine don't reach it", async () => {
    process.env["RESTIC_COMPRESSION"] = "off";
    try {
      await measure(node("console.log(process.env.WORD, process.env.RESTIC_COMPRESSION)"), {
        logFile: logFile(),
        signal: never,
      });
    } finally {
      delete process.env["RESTIC_COMPRESSION"];
    }
    expect(await readFile(logFile(), "utf8")).toBe("told undefined\n");
  });

  test("one that fails or isn't there is an error with what it said", async () => {
    await expect(
      measure(node("console.error('no such luck'); process.exit(7)"), { logFile: logFile(), signal: never }),
    ).rejects.toThrow(/ended with 7\nno such luck/);
    await expect(
      measure({ program: join(temp, "absent"), args: [], env: {} }, { logFile: logFile(), signal: never }),
    ).rejects.toThrow(BenchError);
  });

  test("the signal ends it, and nothing of it runs on", async () => {
    const stopped = new AbortController();
    // Says its process id on the log, then waits for ever.
    const running = measure(node("console.log(process.pid); setInterval(() => undefined, 1000)"), {
      logFile: logFile(),
      signal: stopped.signal,
    });
    const failure = expect(running).rejects.toThrow("enough");
    const pid = await untilPrinted();
    stopped.abort(new Error("enough"));
    await failure;
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  async function untilPrinted(): Promise<number> {
    for (;;) {
      const text = await readFile(logFile(), "utf8").catch(() => "");
      if (text.endsWith("\n")) return Number(text);
    }
  }
});
