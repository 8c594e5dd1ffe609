import type { BackupOrder, Hooks } from "@saveos/contract";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf } from "../errors/system-error.ts";
import { type HookCommand, readHooks } from "../host/hooks-file.ts";
import { type ProgramEnd, runProgram } from "../host/run-program.ts";
import { endOfWork } from "./end-of-work.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import type { OrderDeps } from "./order-deps.ts";

export type HookDeps = Pick<OrderDeps, "home" | "env" | "clock" | "log">;

/** Enough of what a hook printed to see what went wrong. */
const outputMaxChars = 2_000;

/**
 * A backup with the hooks of its order around it. One before it that fails ends the job, unless told to go on; those after it run whatever
 * came of it, and what they do changes nothing about how the backup ended.
 */
export async function withHooks(
  deps: HookDeps,
  { job_id: jobId, hooks }: Pick<BackupOrder, "job_id" | "hooks">,
  run: JobRun,
  backUp: () => Promise<JobEnd>,
): Promise<JobEnd> {
  const { before, after } = hooks;
  const allowed = before.length + after.length === 0 ? noHooks : await allowedHooks(deps);
  const end = await endOfWork(deps.log, run, async () => {
    for (const hook of before) {
      const problem = await runHook(deps, { ...hook, jobId, allowed, say: run.say, signal: run.signal });
      run.signal.throwIfAborted();
      if (problem !== undefined && hook.on_failure === "stop") throw new AgentError("hook-failed", problem);
    }
    return await backUp();
  });
  const { outcome } = end;
  for (const hook of after.filter(({ when }) => isWhen(when, outcome)))
    await runHook(deps, {
      ...hook,
      jobId,
      allowed,
      outcome,
      say: run.say,
      // What a hook before has stopped must be started again, cancelled or not; only who cancels now means this one.
      signal: run.signal.aborted ? undefined : run.signal,
    });
  return end;
}

/** A partial backup has made its snapshot: it is a success with something missing. */
function isWhen(when: Hooks["after"][number]["when"], outcome: JobEnd["outcome"]): boolean {
  const isSuccess = outcome === "completed" || outcome === "partial";
  return when === "always" || isSuccess === (when === "success");
}

type Allowed = ReadonlyMap<string, HookCommand> | { readonly refusal: string };

const noHooks: Allowed = new Map();

async function allowedHooks({ home, log }: HookDeps): Promise<Allowed> {
  try {
    return await readHooks(home.hooksFile);
  } catch (error) {
    log.warn(messageOf(error));
    return { refusal: "hooks.json is refused, and its own log says why" };
  }
}

interface HookRun {
  readonly name: string;
  readonly timeout_seconds: number;
  readonly jobId: string;
  readonly allowed: Allowed;
  /** How the backup ended, once it has. */
  readonly outcome?: JobEnd["outcome"];
  readonly say: JobRun["say"];
  readonly signal: AbortSignal | undefined;
}

/** Runs one hook and says in the job's log how it ended. Resolves with what is wrong, or undefined. */
async function runHook(deps: HookDeps, hook: HookRun): Promise<string | undefined> {
  const command = commandOf(hook);
  if (typeof command === "string") {
    hook.say("warning", command);
    return command;
  }
  const end = await runProgram({
    command,
    env: environmentOf(deps, hook),
    timeoutMs: hook.timeout_seconds * 1000,
    signal: hook.signal,
    outputMaxChars,
    clock: deps.clock,
  });
  for (const line of linesOf(end.output)) deps.log.info(`${hook.name}: ${line}`);
  const isFine = end.kind === "ended" && end.code === 0;
  const text = `hook "${hook.name}" ${endText(end, hook.timeout_seconds)}`;
  hook.say(isFine ? "info" : "warning", text);
  return isFine ? undefined : text;
}

function commandOf({ name, allowed }: HookRun): HookCommand | string {
  const forbidden = `hook "${name}" is not allowed on this machine:`;
  if ("refusal" in allowed) return `${forbidden} ${allowed.refusal}`;
  return allowed.get(name) ?? `${forbidden} hooks.json doesn't name it`;
}

/** Little of the agent's own: it may hold secrets. */
function environmentOf({ env }: HookDeps, { jobId, outcome }: HookRun): Record<string, string> {
  const { PATH: path, HOME: home } = env;
  return {
    ...(path === undefined ? {} : { PATH: path }),
    ...(home === undefined ? {} : { HOME: home }),
    SAVEOS_JOB_ID: jobId,
    ...(outcome === undefined ? {} : { SAVEOS_OUTCOME: outcome }),
  };
}

function endText(end: ProgramEnd, timeoutSeconds: number): string {
  const after = `after ${end.seconds.toFixed(1)} s`;
  switch (end.kind) {
    case "ended":
      return `ended with ${end.code} ${after}`;
    case "killed":
      return `was ended by ${end.by} ${after}`;
    case "not-started":
      return `could not be started (${end.reason})`;
    case "timed-out":
      return `was stopped after its ${timeoutSeconds} s`;
    case "stopped":
      return `was stopped ${after}, with the job`;
  }
}

/** Each line safe for a log: whoever writes it must not write lines of ours, nor drive a terminal. */
function linesOf(output: string): string[] {
  return output
    .split("\n")
    .map((line) => line.replace(/\p{Cc}/gu, " ").trimEnd())
    .filter((line) => line !== "");
}
