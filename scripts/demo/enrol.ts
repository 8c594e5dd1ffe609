import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ChildProcess } from "node:child_process";
import type { Api } from "./api.ts";
import { agentProgram, type ProgramOptions, runProgram, start, stop } from "./programs.ts";
import type { Workspace } from "./workspace.ts";

export interface DemoAgent extends AsyncDisposable {
  readonly id: string;
  readonly repositoryId: string;
  /** Its `SAVEOS_HOME`. */
  readonly home: string;
  /** Known on the agent's side only. */
  readonly repositoryPassword: string;
  startDaemon(): Promise<void>;
  /** Runs one of its commands. */
  run(args: readonly string[], options?: Pick<ProgramOptions, "onLine">): Promise<string>;
}

export interface EnrolRequest {
  readonly name: string;
  /** The agent whose repository this one takes over, as new hardware does after a loss. */
  readonly instead?: DemoAgent;
}

/** Provisions an agent at the server and lets it enrol with its single-use token. */
export async function enrol(workspace: Workspace, api: Api, { name, instead }: EnrolRequest): Promise<DemoAgent> {
  const home = join(workspace.path, name);
  const enrolmentFile = join(workspace.path, `${name}-enrolment.json`);
  const provisioned = await api.post("/api/v1/agents/provision", {
    hostname: hostname(),
    ...(instead === undefined ? {} : { repository_id: instead.repositoryId }),
  });
  await writeFile(enrolmentFile, JSON.stringify(provisioned), { mode: 0o600 });
  const env = { SAVEOS_HOME: home };
  const passwordFile = join(workspace.path, `${name}-password`);
  if (instead) await writeFile(passwordFile, instead.repositoryPassword, { mode: 0o600 });
  await runProgram(
    agentProgram,
    ["register", enrolmentFile, ...(instead ? ["--repository-password-file", passwordFile] : [])],
    { env },
  );

  const config = await readJson(join(home, "config.json"));
  const secrets = await readJson(join(home, "secrets.json"));
  let daemon: ChildProcess | undefined;
  return {
    id: String(config["agent_id"]),
    repositoryId: String(config["repository_id"]),
    home,
    repositoryPassword: String(secrets["repository_password"]),
    startDaemon: async () => {
      daemon = start(agentProgram, ["daemon"], { env });
      daemon.stdout?.resume();
      daemon.stderr?.resume();
      await api.poll(`/api/v1/agents/${String(config["agent_id"])}`, ({ state }) => state === "online");
    },
    run: (args, options = {}) => runProgram(agentProgram, args, { env, ...options }),
    [Symbol.asyncDispose]: async () => {
      if (daemon) await stop(daemon);
    },
  };
}

async function readJson(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
}
