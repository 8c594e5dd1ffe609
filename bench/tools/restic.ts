import { join } from "node:path";
import type { Command } from "../measure/command.ts";
import { measure } from "../measure/measure.ts";
import { type BenchRepository, benchPassword, type Tool } from "./tool.ts";

/** Stock restic with its defaults: compression `auto`, packs of 16 MiB, as many threads as there are cores. */
export function resticTool(program: string): Tool {
  return {
    name: "restic",
    newRepository: async (folder, signal) => {
      const path = join(folder, "repository");
      const restic = resticOn(program, { address: path, cache: join(folder, "cache") });
      await measure(restic.command("init"), { logFile: join(folder, "init.log"), signal });
      return { ...restic, path };
    },
  };
}

export interface ResticPlace {
  /** A path, or `rest:https://…` with its credential: it is passed in the environment, so no list of processes shows it. */
  readonly address: string;
  readonly cache: string;
  readonly password?: string;
  /** File with the certificate authority to trust. */
  readonly authority?: string;
}

export function resticOn(
  program: string,
  { address, cache, password = benchPassword, authority }: ResticPlace,
): BenchRepository & { command(...args: string[]): Command } {
  const command = (...args: string[]): Command => ({
    program,
    args: ["--cache-dir", cache, ...(authority === undefined ? [] : ["--cacert", authority]), ...args],
    env: { RESTIC_REPOSITORY: address, RESTIC_PASSWORD: password },
  });
  return {
    command,
    backUp: (source) => command("backup", source),
    restore: (target) => command("restore", "latest", "--target", target),
    check: () => command("check", "--read-data"),
  };
}
