import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { ServerError } from "../../server-error.ts";
import { superuser } from "./ownership.ts";
import type { RunAs } from "./run-as.ts";

/** The version of PostgreSQL whose files this version of SaveOS reads. */
const majorVersion = "18";

/**
 * Makes the database files in `cluster` unless they are there. They are made under another name first, so that a making cut short leaves
 * nothing that looks like a cluster. Throws `database-unknown` for files of another version of PostgreSQL.
 */
export async function makeCluster(initdb: string, cluster: string, runAs: RunAs): Promise<void> {
  const version = await versionOf(cluster);
  if (version !== undefined) return requireVersion(version, cluster);
  const unfinished = await mkdtemp(`${cluster}${unfinishedMark}`);
  try {
    await runAs.own(unfinished);
    await runInitdb(initdb, unfinished, runAs);
    await rename(unfinished, cluster);
  } catch (error) {
    // Another process made it in the same moment: who may use it is decided when it is started.
    if ((await versionOf(cluster)) === undefined) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Removes what makings that were cut short left in `folder`. Only for the one who owns the finished cluster there. */
export async function removeUnfinishedClusters(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.includes(unfinishedMark));
  await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

const unfinishedMark = ".unfinished-";

async function versionOf(cluster: string): Promise<string | undefined> {
  return await readFile(join(cluster, "PG_VERSION"), "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
}

function requireVersion(version: string, cluster: string): void {
  if (version === majorVersion) return;
  throw new ServerError(
    "database-unknown",
    `${cluster} was made by PostgreSQL ${version}; this is PostgreSQL ${majorVersion}.`,
    {
      hint: `Move the data over with pg_dump of PostgreSQL ${version}, or use the SaveOS that made it.`,
    },
  );
}

async function runInitdb(initdb: string, folder: string, runAs: RunAs): Promise<void> {
  // `trust` lets in whoever reaches the socket, and only its owner does. The locale C sorts by bytes on every system and for ever.
  const args = ["-D", folder, "-U", superuser, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"];
  const command = runAs.command(initdb, args);
  const child = spawn(command.file, command.args, {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: dirname(folder),
    ...runAs.user,
  });
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => resolve(code === 0 ? "" : `it ended with ${code}`));
  });
  const [said, failure] = await Promise.all([text(child.stderr), ended]);
  if (failure === "") return;
  throw new ServerError(
    "database-unavailable",
    `PostgreSQL can't make its files in ${folder}: ${said.trim() || failure}`,
    {
      hint: "Give it a folder on a local disk with some free space, or set DATABASE_URL to a PostgreSQL of yours.",
    },
  );
}
