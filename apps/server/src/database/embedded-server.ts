import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Client } from "pg";
import { errorCode, ServerError } from "../server-error.ts";
import type { SocketAddress } from "./client.ts";
import { findBinaries } from "./embedded/binaries.ts";
import { makeCluster, removeUnfinishedClusters } from "./embedded/make-cluster.ts";
import { claimOwnership, connect, databaseName, folderInUse, superuser } from "./embedded/ownership.ts";
import { adoptForeignPid, isPostgresOf, readPostmasterFile } from "./embedded/postmaster-file.ts";
import { chooseRunAs } from "./embedded/run-as.ts";
import { chooseSocketFolder } from "./embedded/socket-folder.ts";
import { spawnPostgres } from "./embedded/spawn-postgres.ts";
import { until } from "./embedded/until.ts";

/**
 * A PostgreSQL server that belongs to this process: made in a folder at the first start, reached through a socket that only this user may open,
 * never over TCP, and stopped with this process.
 */
export interface EmbeddedServer extends AsyncDisposable {
  readonly address: SocketAddress;
  /** Settles when PostgreSQL has ended, whether asked to or not; the text is what it said last. */
  readonly ended: Promise<string>;
  /** Ends connections, writes everything down and ends PostgreSQL. May be called twice. */
  stop(): Promise<void>;
}

/** Shutting down takes milliseconds once connections are ended; a PostgreSQL that still runs after this is told to drop everything. */
const stopTimeoutMs = 10_000;

/**
 * Starts PostgreSQL on the folder `path`, which it creates if need be.
 *
 * Recovers by itself whatever happened before: a making of the cluster that was cut short, a PostgreSQL that was killed, and one that outlived
 * its SaveOS (it is stopped and started anew). Throws `data-folder-in-use` if a living SaveOS has the folder, else `database-unavailable`.
 */
export async function startEmbeddedServer(path: string): Promise<EmbeddedServer> {
  const folder = resolve(path);
  const binaries = await findBinaries();
  const cluster = join(folder, "cluster");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const runAs = await chooseRunAs(folder);
  await makeCluster(binaries.initdb, cluster, runAs);
  await endOrphan(cluster);
  const socketFolder = await chooseSocketFolder(folder, runAs);
  const postgres = await spawnPostgres({ program: binaries.postgres, folder, cluster, socketFolder, runAs });
  let owner: Client;
  try {
    owner = await claimOwnership(socketFolder, folder);
    await createDatabase(owner);
    await removeUnfinishedClusters(folder);
  } catch (error) {
    await postgres.end(stopTimeoutMs);
    throw wasTakenOver(error) ? folderInUse(folder) : error;
  }
  const stop = async () => {
    await owner.end().catch(() => {});
    await postgres.end(stopTimeoutMs);
    await socketFolder.remove();
  };
  return { address: addressOf(socketFolder.path), ended: postgres.ended, stop, [Symbol.asyncDispose]: stop };
}

/**
 * The address of the PostgreSQL that another process runs on `folder`, or nothing if none does. A command that needs the database for a moment
 * goes there instead of starting one.
 */
export async function findEmbeddedServer(folder: string): Promise<SocketAddress | undefined> {
  const running = await readPostmasterFile(join(folder, "cluster"));
  if (running?.status !== "ready") return undefined;
  const client = await connect(running.socketFolder).catch(() => undefined);
  await client?.end();
  return client === undefined ? undefined : addressOf(running.socketFolder);
}

/**
 * Two that start on one folder at the same moment: the other may find our PostgreSQL before we own it, take it for an orphan and stop it. Then
 * the folder is theirs.
 */
function wasTakenOver(error: unknown): boolean {
  const code = errorCode(error);
  if (code !== undefined && connectionEnded.has(code)) return true;
  return error instanceof Error && error.message.startsWith("Connection terminated");
}

/** PostgreSQL's SQLSTATE for a connection that was ended because the server stops, and the system's for one whose other end is gone. */
const connectionEnded = new Set(["57P01", "EPIPE", "ECONNRESET"]);

function addressOf(socketFolder: string): SocketAddress {
  return { socketFolder, user: superuser, database: databaseName };
}

async function createDatabase(owner: Client): Promise<void> {
  const { rowCount } = await owner.query("select from pg_database where datname = $1", [databaseName]);
  if (rowCount === 0) await owner.query(`create database ${databaseName}`);
}

/** Stops a PostgreSQL that outlived its SaveOS. One whose SaveOS lives is left alone and reported as `data-folder-in-use`. */
async function endOrphan(cluster: string): Promise<void> {
  const found = await readPostmasterFile(cluster);
  if (found === undefined) return;
  if (!(await isPostgresOf(found.pid, cluster))) return await adoptForeignPid(cluster, found.pid);
  // It may be starting or stopping at this moment: wait until it is one or the other.
  const isSettled = async () =>
    !(await isPostgresOf(found.pid, cluster)) || (await readPostmasterFile(cluster))?.status === "ready";
  await until(isSettled, stopTimeoutMs);
  if (!(await isPostgresOf(found.pid, cluster))) return;
  const owner = await claimOwnership({ path: found.socketFolder }, cluster);
  process.kill(found.pid, "SIGINT");
  await owner.end().catch(() => {});
  if (await until(async () => !(await isPostgresOf(found.pid, cluster)), stopTimeoutMs)) return;
  throw new ServerError(
    "database-unavailable",
    `The PostgreSQL with process id ${found.pid} in ${cluster} doesn't stop.`,
    {
      hint: `Stop it with: kill -QUIT ${found.pid}`,
    },
  );
}
