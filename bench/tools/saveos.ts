import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../measure/command.ts";
import { measure } from "../measure/measure.ts";
import { type BenchRepository, benchPassword, type Tool } from "./tool.ts";

/** What npm installs as `saveos-agent`. */
const agentProgram = binOf(join(import.meta.dirname, "../../apps/agent"), "saveos-agent");

/** The agent of this checkout with its defaults, alone on a local repository. */
export const saveosTool: Tool = {
  name: "SaveOS",
  newRepository: async (folder, signal) => {
    const path = join(folder, "repository");
    const saveos = saveosOn(folder, path);
    await measure(saveos.command("init"), { logFile: join(folder, "init.log"), signal });
    return { ...saveos, path, forRestic: { path, password: benchPassword } };
  },
};

/**
 * @param folder where the machine keeps its configuration and its cache
 * @param repository a path; undefined for the one that the machine has at its server
 */
export function saveosOn(
  folder: string,
  repository: string | undefined,
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

function binOf(workspace: string, name: string): string {
  const { bin } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8")) as { bin: Record<string, string> };
  return join(workspace, bin[name] ?? "");
}
