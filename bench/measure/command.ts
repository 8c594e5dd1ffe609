/** A program to run, as it would be typed. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** On top of {@link cleanEnvironment}. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What this machine's own settings could change in a measurement: the tools run with their defaults. */
const foreign = /^(RESTIC_|BORG_|SAVEOS_|AWS_|GOGC|GOMAXPROCS|GOMEMLIMIT|NODE_|UV_|XDG_|BENCH_|FORCE_COLOR)/;

/** The environment without settings of the tools, of their runtimes, and of their folders. */
export function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
