import { join } from "node:path";
import type { Command } from "../measure/command.ts";
import { measure } from "../measure/measure.ts";
import { type BenchRepository, benchPassword, type Tool } from "./tool.ts";

/** The agent with its defaults, alone on a local repository. */
export function saveosTool(agentProgram: string): Tool {
  return {
    name: "SaveOS",
    newRepository: async (folder, signal) => {
      const path = join(folder, "repository");
      const saveos = saveosOn(agentProgram, { folder, repository: path });
      await measure(saveos.command("init"), { logFile: join(folder, "init.log"), signal });
      return { ...saveos, path, forRestic: { path, password: benchPassword } };
    },
  };
}

export interface Machine {
  /** Where it keeps its configuration and its cache. */
  readonly folder: string;
  /** A path; without one the repository that the machine has at its server. */
  readonly repository?: string;
}

/** The commands of an agent on one machine. */
export function saveosOn(
  agentProgram: string,
  { folder, repository }: Machine,
): BenchRepository & { command(...args: string[]): Command } {
  const command = (...args: string[]): Command => ({
    program: process.execPath,
    args: [agentProgram, ...args, "--cache-dir", join(folder, "cache")],
    env: {
      // Node keeps there what it compiled; a repository's first command, `init`, finds nothing.
      SAVEOS_HOME: join(folder, "home"),
      ...(repository === undefined ? {} : { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: benchPassword }),
    },
  });
  return {
    command,
    backUp: (source) => command("backup", source),
    restore: (target) => command("restore", "latest", "--target", target),
    check: () => command("check", "--read-data"),
  };
}
