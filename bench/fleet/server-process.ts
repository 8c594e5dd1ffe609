import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { BenchError } from "../bench-error.ts";

/** A real server in a process of its own, as `npm start` makes it, with its embedded PostgreSQL. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly httpsPort: number;
  readonly httpPort: number;
}

const serverFolder = join(import.meta.dirname, "../../apps/server/src");

/** The plain HTTP side listens on the loopback only, so a proxy of this machine is the one that may speak for others. */
const proxyAddresses = "127.0.0.1,::1";

interface Options {
  readonly dataFolder: string;
  readonly logFile: string;
  readonly isProxied: boolean;
}

/** Starts the server on the data that is there, and resolves when it answers. */
export async function startServerProcess({ dataFolder, logFile, isProxied }: Options): Promise<ServerProcess> {
  const log = await open(logFile, "a");
  const child = spawn(process.execPath, [...nodeArguments(), join(serverFolder, "main.ts")], {
    stdio: ["ignore", "pipe", log.fd],
    env: {
      ...settings(dataFolder),
      SAVEOS_LISTEN: "127.0.0.1",
      SAVEOS_HTTPS_PORT: "0",
      SAVEOS_HTTP_PORT: "0",
      // All agents come from this one address here, as no fleet does: strangers of one address are limited.
      SAVEOS_RATE_LIMITS: "false",
      ...(isProxied ? { SAVEOS_TRUST_PROXY: proxyAddresses } : {}),
    },
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  await log.close();
  const ports = await readGreeting(child);
  if (ports === undefined || child.pid === undefined) {
    const said = (await readFile(logFile, "utf8")).trim().split("\n").slice(-3).join("\n");
    throw new BenchError(`The server doesn't start:\n${said}`);
  }
  return {
    pid: child.pid,
    ...ports,
    [Symbol.asyncDispose]: async () => await end(child),
  };
}

const running = new Set<ChildProcess>();

/** Stops every server that runs: for a bench that is stopped itself. */
export async function endServers(): Promise<void> {
  await Promise.all([...running].map(end));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

/** A key that may do everything, made by the server's own command. */
export async function makeApiKey(dataFolder: string): Promise<string> {
  const command = [join(serverFolder, "cli.ts"), "create-api-key", "--name", "bench"];
  const { stdout } = await promisify(execFile)(process.execPath, command, { env: settings(dataFolder) });
  return stdout.trim();
}

/** Nothing of this process's own settings: what is measured is the server as it comes. */
function settings(dataFolder: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", NODE_ENV: "production", SAVEOS_DATA_DIR: dataFolder };
}

/** For looking into the server, such as `--cpu-prof`; figures measured so are not those of a server as it comes. */
function nodeArguments(): string[] {
  return (process.env["BENCH_NODE_OPTIONS"] ?? "").split(" ").filter((each) => each !== "");
}

/** The ports that the server says it listens on; nothing if it ends without having said them. */
async function readGreeting(child: ChildProcess): Promise<{ httpsPort: number; httpPort: number } | undefined> {
  if (child.stdout === null) return undefined;
  const ports: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /https?:\/\/localhost:(\d+)$/.exec(line)?.[1];
    if (port !== undefined) ports.push(Number(port));
    const [httpsPort, httpPort] = ports;
    if (httpsPort === undefined || httpPort === undefined) continue;
    // What it says from now on is read by nobody, and must not fill the pipe.
    child.stdout.resume();
    return { httpsPort, httpPort };
  }
  return undefined;
}
