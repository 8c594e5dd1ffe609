import { mustRun, run, type RunOptions, type RunResult } from "./run.ts";

/** Stock restic on one repository: the second oracle. */
export interface Restic {
  /** Runs a command that must succeed; resolves with what it printed. */
  (...args: string[]): Promise<string>;
  /** Runs a command, whatever comes of it. */
  readonly attempt: (...args: string[]) => Promise<RunResult>;
  /** Runs a command that must succeed with `--json`; resolves with one value a line. */
  readonly json: (...args: string[]) => Promise<unknown[]>;
  /** Runs a command that must succeed with `-v`; resolves with all that it printed. */
  readonly loud: (...args: string[]) => Promise<string>;
  /** Begins a command that reads its standard input; `end` gives it that, and resolves when it has succeeded. */
  readonly reading: (...args: string[]) => { readonly end: (input: string) => Promise<string> };
  /** The same, run in this folder. */
  readonly in: (folder: string) => Restic;
}

/** Debian's, or the one that the variable names. */
const program = process.env["SAVEOS_TEST_RESTIC"] ?? "restic";

export async function isOlderThan(major: number, minor: number): Promise<boolean> {
  const [, foundMajor = 0, foundMinor = 0] = (
    /restic (\d+)\.(\d+)/.exec(await mustRun(program, ["version"])) ?? []
  ).map(Number);
  return foundMajor < major || (foundMajor === major && foundMinor < minor);
}

/** `repository` is a path, or an address such as `rest:https://…`. Nothing is cached, so that everything is read again. */
export function resticOn(
  repository: string,
  password: string,
  { env = {}, cacert, ...options }: RunOptions & { cacert?: string } = {},
): Restic {
  const anyhow = ["-r", repository, "--no-cache", ...(cacert === undefined ? [] : ["--cacert", cacert])];
  const globals = [...anyhow, "-q"];
  const all: RunOptions = { ...options, env: { ...env, RESTIC_PASSWORD: password } };
  const call = async (...args: string[]) => await mustRun(program, [...globals, ...args], all);
  return Object.assign(call, {
    attempt: async (...args: string[]) => await run(program, [...globals, ...args], all),
    loud: async (...args: string[]) => await mustRun(program, [...anyhow, "-v", ...args], all),
    reading: (...args: string[]) => {
      const input = Promise.withResolvers<string>();
      const ended = mustRun(program, [...globals, ...args], { ...all, input: input.promise });
      return {
        end: async (text: string) => {
          input.resolve(text);
          return await ended;
        },
      };
    },
    in: (folder: string) =>
      resticOn(repository, password, { env, ...(cacert === undefined ? {} : { cacert }), ...options, cwd: folder }),
    json: async (...args: string[]) =>
      (await call("--json", ...args))
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map((line): unknown => JSON.parse(line)),
  });
}
