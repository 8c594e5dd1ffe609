import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Enrolment } from "@saveos/contract";
import { run, type RunOptions, type RunResult } from "./run.ts";
import { type RunningProgram, startProgram } from "./start-program.ts";

/** The agent's program with a home of its own, as a machine has it. */
export interface SaveosAgent {
  readonly home: string;
  /** Runs a command that must end with 0; resolves with what it printed. */
  (...args: string[]): Promise<string>;
  /** Runs a command, whatever comes of it. */
  readonly attempt: (...args: string[]) => Promise<RunResult>;
  /** Runs a command that must end with 0 with `--json`; resolves with one value a line. */
  readonly json: (...args: string[]) => Promise<unknown[]>;
  /** Starts a command and leaves it running. */
  readonly start: (...args: string[]) => RunningProgram;
  /** The same machine with more in its environment, or elsewhere. */
  readonly with: (options: AgentOptions) => SaveosAgent;
}

export interface AgentOptions extends Pick<RunOptions, "cwd" | "env" | "input"> {
  /** Stands in for /etc/machine-id, so that the agent takes itself to be on another machine. Needs root. */
  readonly machineIdFile?: string;
  /** The agent's program; the sources' unless given. */
  readonly program?: string;
}

const sourceProgram = join(import.meta.dirname, "../../apps/agent/src/start.js");

/** What this machine's own settings could change in a test. */
const foreign = /^(RESTIC_|SAVEOS_|AWS_|NO_COLOR|FORCE_COLOR)/;
const withoutForeign = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => foreign.test(name))
    .map((name) => [name, undefined]),
);

export function agentAt(home: string, options: AgentOptions = {}): SaveosAgent {
  const all = { ...options, env: { ...withoutForeign, ...options.env, SAVEOS_HOME: home } };
  const [command, ...first] = [...onMachine(options.machineIdFile), process.execPath, options.program ?? sourceProgram];
  const attempt = async (...args: string[]) => await run(command ?? "", [...first, ...args], all);
  const call = async (...args: string[]) => {
    const { code, stdout, stderr } = await attempt(...args);
    if (code !== 0) throw new Error(`saveos-agent ${args.join(" ")} ended with ${code}:\n${stderr}\n${stdout}`);
    return stdout;
  };
  return Object.assign(call, {
    home,
    attempt,
    json: async (...args: string[]) => jsonLines(await call("--json", ...args)),
    start: (...args: string[]) => startProgram(command ?? "", [...first, ...args], all),
    with: (more: AgentOptions) => agentAt(home, { ...options, ...more, env: { ...options.env, ...more.env } }),
  });
}

function onMachine(machineIdFile: string | undefined): string[] {
  if (machineIdFile === undefined) return [];
  return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/machine-id && exec "$@"', machineIdFile];
}

/** Enrols the machine with what an administrator got for it. */
export async function register(agent: SaveosAgent, enrolment: Enrolment, ...args: string[]): Promise<void> {
  await mkdir(agent.home, { recursive: true });
  const file = join(agent.home, "enrolment.json");
  await writeFile(file, JSON.stringify(enrolment));
  await agent("register", file, ...args);
}

export async function secretsOf({ home }: SaveosAgent): Promise<{ credential: string; repository_password: string }> {
  return JSON.parse(await readFile(join(home, "secrets.json"), "utf8")) as {
    credential: string;
    repository_password: string;
  };
}

export function jsonLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line): unknown => JSON.parse(line));
}
