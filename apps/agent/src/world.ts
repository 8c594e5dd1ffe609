import type { Clock } from "@saveos/engine";
import type { Output } from "./terminal/output.ts";

/** Everything of the outside that a command touches, passed in so that tests can be the outside. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** The person's home folder. */
  readonly homeFolder: string;
  readonly workingFolder: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  /** Between 0 and 1, for jitter only. */
  readonly random: () => number;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Asks on the terminal without echo; undefined where there is no terminal to ask on. */
  readonly askSecret: ((question: string) => Promise<string>) | undefined;
}
