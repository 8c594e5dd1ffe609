import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { machineClock } from "../host/clock.ts";
import { run } from "../run.ts";
import type { Output } from "../terminal/output.ts";
import type { World } from "../world.ts";

/** An output in memory. */
export class MemoryOutput implements Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  #bytes: Uint8Array[] = [];

  constructor({ isTerminal = false, columns = 100 }: { isTerminal?: boolean; columns?: number } = {}) {
    this.isTerminal = isTerminal;
    this.columns = columns;
  }

  write(data: string | Uint8Array): Promise<void> {
    this.#bytes.push(typeof data === "string" ? new TextEncoder().encode(data) : data.slice());
    return Promise.resolve();
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#bytes);
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** What it holds, as JSON lines. */
  get records(): Record<string, unknown>[] {
    const lines = this.text.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** The machine's time without its short waits: nobody else takes a lock in the moment that a new one is given to settle. */
export const impatientClock: World["clock"] = {
  ...machineClock,
  sleep: async (ms, options) => {
    if (ms >= 1000) await machineClock.sleep(ms, options);
  },
};

const nsPerSecond = 1_000_000_000n;

export interface Ran {
  readonly code: number;
  readonly stdout: MemoryOutput;
  readonly stderr: MemoryOutput;
}

/** A machine of its own for a test: a temporary folder to work in, an agent's home inside it, and nothing of the real environment. */
export class TestMachine implements AsyncDisposable {
  readonly folder: string;
  env: Record<string, string>;
  askSecret: World["askSecret"];

  private constructor(folder: string) {
    this.folder = folder;
    this.env = { SAVEOS_HOME: path.join(folder, "home"), PATH: process.env["PATH"] ?? "" };
  }

  static async create(): Promise<TestMachine> {
    return new TestMachine(await mkdtemp(path.join(tmpdir(), "saveos-agent-test-")));
  }

  path(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  world(changes: Partial<World> = {}): World {
    return {
      env: this.env,
      platform: process.platform,
      homeFolder: this.path("person"),
      workingFolder: this.folder,
      stdin: nothing(),
      stdout: new MemoryOutput(),
      stderr: new MemoryOutput(),
      clock: impatientClock,
      random: () => 0.5,
      signal: new AbortController().signal,
      askSecret: this.askSecret,
      ...changes,
    };
  }

  /** Runs a command line on this machine. */
  async run(argv: readonly string[], changes: Partial<World> = {}): Promise<Ran> {
    const stdout = new MemoryOutput();
    const stderr = new MemoryOutput();
    const code = await run(argv, this.world({ stdout, stderr, ...changes }));
    return { code, stdout, stderr };
  }

  /** Makes a repository whose password is cheap to check: on a clock that leaps, the cost of scrypt is calibrated to its least. */
  async initRepository(...options: string[]): Promise<Ran> {
    let leaps = 0n;
    const nowNs = () => machineClock.nowNs() + (leaps += nsPerSecond);
    return await this.run(["init", ...options], { clock: { ...impatientClock, nowNs } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {
  // An empty standard input.
}
