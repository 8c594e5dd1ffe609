import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { ServerError } from "../../server-error.ts";
import { folderInUse } from "./ownership.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import type { RunAs } from "./run-as.ts";
import type { SocketFolder } from "./socket-folder.ts";
import { until } from "./until.ts";

/** A PostgreSQL process of ours that answers. */
export interface PostgresProcess {
  /** What it said last, once it has ended. */
  readonly ended: Promise<string>;
  /** Ends it: politely, and after `timeoutMs` at once, which costs a recovery at the next start but no data. */
  end(timeoutMs: number): Promise<void>;
}

/** After a PostgreSQL is killed its workers need a moment to notice; until then a new one refuses to start. */
const leftoversTimeoutMs = 10_000;

/** A log beyond this is put aside at the next start, so the two never take more than about twice as much. */
const logMaxBytes = 10 * 1024 * 1024;

interface Launch {
  readonly program: string;
  readonly folder: string;
  readonly cluster: string;
  readonly socketFolder: SocketFolder;
  readonly runAs: RunAs;
}

/** Starts PostgreSQL and waits until it answers: recovery after a crash may take long, so only its end ends the wait. Throws `database-unavailable`. */
export async function spawnPostgres(launch: Launch): Promise<PostgresProcess> {
  const giveUpAt = performance.now() + leftoversTimeoutMs;
  for (;;) {
    const attempt = await startOnce(launch);
    if (await isReady(launch, attempt.child)) return attempt;
    const lastWords = await attempt.ended;
    if (isHeldByLeftovers(lastWords) && performance.now() < giveUpAt) continue;
    await launch.socketFolder.remove();
    throw cannotStart(launch, lastWords);
  }
}

async function startOnce(launch: Launch): Promise<PostgresProcess & { readonly child: ChildProcess }> {
  const logPath = join(launch.folder, "postgres.log");
  const sizeBytes = await stat(logPath)
    .then(({ size }) => size)
    .catch(() => 0);
  if (sizeBytes > logMaxBytes) await rename(logPath, `${logPath}.old`);
  const log = await open(logPath, "a", 0o600);
  const begin = (await log.stat()).size;
  const command = launch.runAs.command(launch.program, postgresArgs(launch));
  const child = spawn(command.file, command.args, {
    // A log file and not a pipe: PostgreSQL must be able to speak after this process is gone.
    stdio: ["ignore", log.fd, log.fd],
    // Its own process group: Ctrl-C in a terminal reaches SaveOS alone, which ends PostgreSQL when the requests are done.
    detached: true,
    cwd: launch.folder,
    ...launch.runAs.user,
  });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", () => resolve(""));
  });
  await log.close();
  const lastWords = async () => {
    // The log may be gone with its folder.
    const text = await readFile(logPath).catch(() => Buffer.alloc(0));
    return text.subarray(begin).toString("utf8").trim().split("\n").slice(-3).join(" ");
  };
  const ended = exited.then(async (spawnError) => spawnError || (await lastWords()));
  const end = async (timeoutMs: number) => {
    child.kill("SIGINT");
    const timer = setTimeout(() => child.kill("SIGQUIT"), timeoutMs);
    await exited;
    clearTimeout(timer);
  };
  return { child, ended, end };
}

function postgresArgs({ cluster, socketFolder }: Launch): string[] {
  const settings = {
    listen_addresses: "",
    unix_socket_directories: `"${socketFolder.path.replaceAll('"', '""')}"`,
    unix_socket_permissions: "0700",
    log_checkpoints: "off",
    // What a failing statement holds is nobody's business in a log.
    log_min_error_statement: "panic",
  };
  return ["-D", cluster, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

async function isReady({ cluster }: Launch, child: ChildProcess): Promise<boolean> {
  const isOver = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  let ready = false;
  await until(async () => {
    const file = await readPostmasterFile(cluster);
    ready = file?.pid === child.pid && file?.status === "ready";
    return ready || isOver();
  }, Number.POSITIVE_INFINITY);
  return ready;
}

function isHeldByLeftovers(lastWords: string): boolean {
  return lastWords.includes("pre-existing shared memory block");
}

function cannotStart({ folder }: Launch, lastWords: string): ServerError {
  if (/lock file "[^"]+" already exists/.test(lastWords)) {
    return folderInUse(folder);
  }
  return new ServerError("database-unavailable", `The embedded PostgreSQL in ${folder} doesn't start: ${lastWords}`, {
    hint: `Its log is ${join(folder, "postgres.log")}.`,
  });
}
