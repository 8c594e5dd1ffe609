import { readFile } from "node:fs/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { machineClock } from "./clock.ts";
import { isProcessGone } from "./facts.ts";
import { type ProgramRequest, runProgram } from "./run-program.ts";

let machine: TestMachine;

beforeEach(async () => {
  machine = await TestMachine.create();
  return () => machine[Symbol.asyncDispose]();
});

async function run(script: string, changes: Partial<ProgramRequest> = {}) {
  return await runProgram({
    command: ["/bin/sh", "-c", script],
    env: { PATH: process.env["PATH"] ?? "", FOLDER: machine.folder },
    timeoutMs: 60_000,
    outputMaxChars: 100,
    clock: machineClock,
    ...changes,
  });
}

/** Resolves once the script has written the file; with what is in it. */
async function written(name: string): Promise<string> {
  for (;;) {
    const text = await readFile(machine.path(name), "utf8").catch(() => "");
    if (text.endsWith("\n")) return text.trim();
    await machineClock.sleep(5);
  }
}

describe.skipIf(process.platform === "win32")("a program", () => {
  test("ends with its code, and what it printed on both streams is kept", async () => {
    expect(await run("echo out; echo err >&2; exit 3")).toMatchObject({ kind: "ended", code: 3 });
    expect((await run("echo out; echo err >&2")).output.split("\n").toSorted()).toEqual(["", "err", "out"]);
  });

  test("gets the environment that it is given and nothing else, and no input", async () => {
    const { output } = await run("env | cut -d= -f1; cat", { env: { ONLY: "this" }, outputMaxChars: 1000 });
    const names = output
      .trim()
      .split("\n")
      .filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name));
    expect(names).toEqual(["ONLY"]);
  });

  test("prints as much as it likes; only the beginning is kept", async () => {
    const end = await run("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done");
    expect(end).toMatchObject({ kind: "ended", code: 0 });
    expect(end.output).toHaveLength(100);
  });

  test("is not read by a shell: its arguments are what they are", async () => {
    const end = await run("", { command: ["/bin/echo", "$HOME; exit 1", "*"] });
    expect(end.output).toBe("$HOME; exit 1 *\n");
  });

  test("that is not there is said not to have started", async () => {
    expect(await run("", { command: ["/nowhere/at-all"] })).toMatchObject({ kind: "not-started", reason: "ENOENT" });
    expect(await run("", { command: [machine.folder] })).toMatchObject({ kind: "not-started", reason: "EACCES" });
    expect(await run("", { command: ["/bin/echo", "a\0b"] })).toMatchObject({ kind: "not-started" });
  });

  test("that is killed by somebody else is said to be", async () => {
    expect(await run("kill -KILL $$")).toMatchObject({ kind: "killed", by: "SIGKILL" });
  });

  test("that takes too long is told to stop, with all that it started", async () => {
    const end = await run("sleep 1000 & echo $! > $FOLDER/pid; wait", { timeoutMs: 100 });
    expect(end.kind).toBe("timed-out");
    expect(end.seconds).toBeLessThan(5);
    expect(isProcessGone(Number(await written("pid")))).toBe(true);
  });

  test("may tidy up when it is told to stop", async () => {
    const script = "trap 'echo tidy > $FOLDER/done; exit 0' TERM; echo up > $FOLDER/up; while :; do sleep 0.05; done";
    const stop = new AbortController();
    const ending = run(script, { signal: stop.signal });
    await written("up");
    stop.abort();
    expect((await ending).kind).toBe("stopped");
    expect(await written("done")).toBe("tidy");
  });

  test("that ignores this is killed after its grace", async () => {
    const end = await run("trap '' TERM; echo $$ > $FOLDER/pid; while :; do sleep 0.05; done", {
      timeoutMs: 200,
      graceMs: 100,
    });
    expect(end.kind).toBe("timed-out");
    expect(isProcessGone(Number(await written("pid")))).toBe(true);
  });

  test("that was told to stop before it began is stopped at once", async () => {
    const end = await run("sleep 1000", { signal: AbortSignal.abort() });
    expect(end.kind).toBe("stopped");
    expect(end.seconds).toBeLessThan(3);
  });

  test("may leave something running: starting it may be its purpose", async () => {
    const end = await run("sleep 1000 & echo $! > $FOLDER/pid");
    expect(end).toMatchObject({ kind: "ended", code: 0 });
    const pid = Number(await written("pid"));
    expect(isProcessGone(pid)).toBe(false);
    process.kill(pid, "SIGKILL");
  });
});
