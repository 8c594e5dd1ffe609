import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { BackupOrder } from "@saveos/contract";
import { beforeEach, describe, expect, test } from "vitest";
import { AgentError } from "../errors/agent-error.ts";
import { machineClock, nowMs } from "../host/clock.ts";
import { backupOrder, jobId } from "../testing/memory-link.ts";
import { OrderWorld } from "../testing/order-world.ts";
import type { JobEnd } from "./job-end.ts";
import { withHooks } from "./run-hooks.ts";

type Before = BackupOrder["hooks"]["before"][number];
type After = BackupOrder["hooks"]["after"][number];

let world: OrderWorld;
let hooksFile: string;

beforeEach(async () => {
  world = await OrderWorld.create();
  hooksFile = world.deps.home.hooksFile;
  await mkdir(path.dirname(hooksFile), { recursive: true });
  return () => world[Symbol.asyncDispose]();
});

/** Allows commands on this machine, each a line for `sh`, which the machine's owner chose to call. */
async function allow(scripts: Record<string, string>): Promise<void> {
  const hooks = Object.entries(scripts).map(([name, script]) => [
    name,
    { command: ["/bin/sh", "-c", script, "sh", world.machine.path("trace")] },
  ]);
  await writeFile(hooksFile, JSON.stringify(Object.fromEntries(hooks)));
}

/** Writes its own name where the test sees it. */
const note = (text: string) => `echo ${text} >> "$1"`;

async function trace(): Promise<string[]> {
  const text = await readFile(world.machine.path("trace"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

const before = (name: string, changes: Partial<Before> = {}): Before => ({
  name,
  timeout_seconds: 600,
  on_failure: "stop",
  ...changes,
});
const after = (name: string, when: After["when"] = "always"): After => ({ name, timeout_seconds: 600, when });

interface Job {
  readonly before?: Before[];
  readonly after?: After[];
  readonly backUp?: () => Promise<JobEnd>;
  readonly signal?: AbortSignal;
}

async function run({ before = [], after = [], backUp = completed, signal = new AbortController().signal }: Job) {
  return await withHooks(
    world.deps,
    backupOrder(1, { hooks: { before, after } }),
    {
      signal,
      onProgress: () => undefined,
      say: (level, text) => world.said.push(`${level}: ${text}`),
    },
    backUp,
  );
}

async function completed(): Promise<JobEnd> {
  await appendTrace("backup");
  return { outcome: "completed" };
}

async function appendTrace(text: string): Promise<void> {
  await writeFile(world.machine.path("trace"), [...(await trace()), text, ""].join("\n"));
}

describe.skipIf(process.platform === "win32")("hooks", () => {
  test("run in their order around the backup, and their results are in the job's log", async () => {
    await allow({ one: note("one"), two: note("two"), three: note("three") });
    const end = await run({ before: [before("one"), before("two")], after: [after("three")] });
    expect(end).toEqual({ outcome: "completed" });
    expect(await trace()).toEqual(["one", "two", "backup", "three"]);
    expect(world.said).toEqual([
      expect.stringMatching(/^info: hook "one" ended with 0 after \d+\.\d s$/),
      expect.stringMatching(/^info: hook "two" ended with 0 /),
      expect.stringMatching(/^info: hook "three" ended with 0 /),
    ]);
  });

  test("one before that fails ends the job: no backup, and those after a failure run", async () => {
    await allow({
      fails: `${note("fails")}; exit 3`,
      two: note("two"),
      ok: note("ok"),
      bad: note("bad"),
      all: note("all"),
    });
    const end = await run({
      before: [before("fails"), before("two")],
      after: [after("ok", "success"), after("bad", "failure"), after("all")],
    });
    expect(end).toMatchObject({ outcome: "failed", error: "hook-failed" });
    expect(end.reason).toMatch(/^hook "fails" ended with 3 after /);
    expect(await trace()).toEqual(["fails", "bad", "all"]);
  });

  test("one before that may fail does not keep the backup from being made", async () => {
    await allow({ fails: "exit 3" });
    expect((await run({ before: [before("fails", { on_failure: "go-on" })] })).outcome).toBe("completed");
    expect(await trace()).toEqual(["backup"]);
  });

  test("one after that fails changes nothing about the backup, and is a warning", async () => {
    await allow({ fails: "exit 1" });
    expect(await run({ after: [after("fails")] })).toEqual({ outcome: "completed" });
    expect(world.said).toEqual([expect.stringMatching(/^warning: hook "fails" ended with 1 /)]);
  });

  test("a partial backup is a success for hooks, a cancelled one is not", async () => {
    await allow({ ok: note("ok"), bad: note("bad") });
    const hooks = [after("ok", "success"), after("bad", "failure")];
    await run({ after: hooks, backUp: () => Promise.resolve({ outcome: "partial" }) });
    expect(await trace()).toEqual(["ok"]);
    await run({ after: hooks, signal: AbortSignal.abort(new AgentError("cancelled", "x")) });
    expect(await trace()).toEqual(["ok", "bad"]);
  });

  test("a hook knows its job and how the backup ended, and nothing of the agent's secrets", async () => {
    world.env = { ...world.env, HOME: "/home/ann", SAVEOS_PASSWORD: "geheim", TOKEN: "x" };
    await allow({ tell: `echo "$SAVEOS_JOB_ID $SAVEOS_OUTCOME $HOME [$SAVEOS_PASSWORD$TOKEN]" >> "$1"` });
    await run({ before: [before("tell")], after: [after("tell")] });
    expect(await trace()).toEqual([`${jobId(1)}  /home/ann []`, "backup", `${jobId(1)} completed /home/ann []`]);
  });

  test("what a hook prints stays in the machine's own log, without anything that drives a terminal", async () => {
    await allow({ talks: String.raw`printf 'dumped salaries\n\033[31mred\n'` });
    await run({ before: [before("talks")] });
    expect(world.log).toContain("talks: dumped salaries");
    expect(world.log).toContain("talks:  [31mred");
    expect(world.said.join("\n")).not.toContain("salaries");
  });

  test("a hook that the machine does not name is not run, whatever the server says", async () => {
    await allow({ other: "exit 0" });
    const end = await run({ before: [before("rm-rf")] });
    expect(end).toMatchObject({
      outcome: "failed",
      error: "hook-failed",
      reason: `hook "rm-rf" is not allowed on this machine: hooks.json doesn't name it`,
    });
    expect(world.said).toEqual([`warning: hook "rm-rf" is not allowed on this machine: hooks.json doesn't name it`]);
    expect(await trace()).toEqual([]);
  });

  test("names of JavaScript's own are no hooks", async () => {
    await allow({ other: "exit 0" });
    expect((await run({ before: [before("constructor")] })).error).toBe("hook-failed");
  });

  test("a hooks.json that others may write runs nothing", async () => {
    await allow({ one: note("one") });
    await chmod(hooksFile, 0o666);
    const end = await run({ before: [before("one")] });
    expect(end).toMatchObject({ outcome: "failed", error: "hook-failed" });
    expect(end.reason).toContain("hooks.json is refused");
    expect(await trace()).toEqual([]);
    expect(world.log.join("\n")).toContain("can be written by others (mode 666)");
  });

  test("without hooks the file is not even looked at", async () => {
    await writeFile(hooksFile, "{");
    expect((await run({})).outcome).toBe("completed");
    expect(world.log).toEqual([]);
  });

  test("a hook that takes longer than it may is stopped", async () => {
    await allow({ slow: "sleep 1000" });
    const end = await run({ before: [before("slow", { timeout_seconds: 1 })] });
    expect(end.reason).toBe('hook "slow" was stopped after its 1 s');
  });

  test("a cancelled job stops its hook at once, and what was stopped before is started again", async () => {
    await allow({ "stop-db": note("stop"), slow: `${note("slow")}; sleep 1000`, "start-db": note("start") });
    const cancellation = new AbortController();
    const startedMs = nowMs(machineClock);
    const ending = run({
      before: [before("stop-db"), before("slow")],
      after: [after("start-db")],
      signal: cancellation.signal,
    });
    while (!(await trace()).includes("slow")) await machineClock.sleep(5);
    cancellation.abort(new AgentError("cancelled", "The server cancelled the job."));
    expect((await ending).outcome).toBe("cancelled");
    expect(nowMs(machineClock) - startedMs).toBeLessThan(5_000);
    expect(await trace()).toEqual(["stop", "slow", "start"]);
    expect(world.said).toContainEqual(expect.stringMatching(/hook "slow" was stopped after .* with the job$/));
  });

  test("an order brings its hooks to a real backup", async () => {
    await allow({ "stop-db": note("stop"), "start-db": `${note("start")}; echo $SAVEOS_OUTCOME >> "$1"` });
    await mkdir(world.machine.path("files"));
    await writeFile(world.machine.path("files", "a"), "a");
    const end = await world.backUp({ hooks: { before: [before("stop-db")], after: [after("start-db")] } });
    expect(end.outcome).toBe("completed");
    expect(await trace()).toEqual(["stop", "start", "completed"]);
  });
});
