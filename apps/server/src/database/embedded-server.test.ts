import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openAsOwner, type SocketAddress } from "./client.ts";
import { findEmbeddedServer, startEmbeddedServer } from "./embedded-server.ts";
import { chooseRunAs } from "./embedded/run-as.ts";

/** Making a cluster takes a second of a free core, and test machines are rarely free. */
const timeout = 60_000;

let template: string;
let folder: string;

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), "saveos-test-"));
  await (await startEmbeddedServer(template)).stop();
}, timeout);

afterAll(async () => await rm(template, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "saveos-test-"));
});

/** Puts a cluster into the test's folder: copied, since making one takes a second. */
async function putCluster(into = folder): Promise<void> {
  await cp(template, into, { recursive: true });
}

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function query(address: SocketAddress, statement: string): Promise<unknown[]> {
  const database = openAsOwner(address);
  try {
    return (await sql.raw(statement).execute(database)).rows;
  } finally {
    await database.destroy();
  }
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(folder, "cluster", "postmaster.pid"), "utf8")).split("\n")[0]);
}

/** A process that runs an embedded server and can be killed without any warning. */
async function startInOtherProcess(): Promise<{ kill(): Promise<void> }> {
  const script = `
    import { startEmbeddedServer } from ${JSON.stringify(import.meta.resolve("./embedded-server.ts"))};
    await startEmbeddedServer(${JSON.stringify(folder)});
    process.stdout.write("started");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return {
    kill: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

test("what is committed is there after a stop and another start", { timeout }, async () => {
  await putCluster();
  {
    await using server = await startEmbeddedServer(folder);
    await query(server.address, "create table notes as select 'kept' as text");
  }
  await using again = await startEmbeddedServer(folder);
  expect(await query(again.address, "select text from notes")).toEqual([{ text: "kept" }]);
});

test("PostgreSQL takes no connections over TCP, and its socket is for its owner alone", { timeout }, async () => {
  await putCluster();
  await using server = await startEmbeddedServer(folder);
  expect(await query(server.address, "show listen_addresses")).toEqual([{ listen_addresses: "" }]);
  expect((await stat(server.address.socketFolder)).mode & 0o077).toBe(0);
  expect((await stat(join(server.address.socketFolder, ".s.PGSQL.5432"))).mode & 0o077).toBe(0);
});

test("a folder in use is refused to a second server, and the first goes on", { timeout }, async () => {
  await putCluster();
  await using first = await startEmbeddedServer(folder);
  await expect(startEmbeddedServer(folder)).rejects.toMatchObject({ code: "data-folder-in-use" });
  expect(await query(first.address, "select 1 as one")).toEqual([{ one: 1 }]);
});

test("of two servers that start on one new folder at the same moment, exactly one gets it", { timeout }, async () => {
  const starts = await Promise.allSettled([startEmbeddedServer(folder), startEmbeddedServer(folder)]);
  const started = starts.filter((start) => start.status === "fulfilled");
  const refused = starts.filter((start) => start.status === "rejected");
  for (const { value } of started) await value.stop();
  expect(started).toHaveLength(1);
  expect(refused[0]?.reason).toMatchObject({ code: "data-folder-in-use" });
});

test(
  "a PostgreSQL that was killed is noticed, and the next start recovers what was committed",
  { timeout },
  async () => {
    await putCluster();
    const server = await startEmbeddedServer(folder);
    await query(server.address, "create table notes as select 'kept' as text");
    process.kill(await postmasterPid(), "SIGKILL");
    await server.ended;
    await server.stop();
    await using again = await startEmbeddedServer(folder);
    expect(await query(again.address, "select text from notes")).toEqual([{ text: "kept" }]);
  },
);

test("a PostgreSQL that outlived its killed SaveOS is replaced at the next start", { timeout }, async () => {
  await putCluster();
  const killed = await startInOtherProcess();
  const orphan = await postmasterPid();
  await killed.kill();
  expect(process.kill(orphan, 0)).toBe(true);
  await using server = await startEmbeddedServer(folder);
  expect(await postmasterPid()).not.toBe(orphan);
  expect(await query(server.address, "select 1 as one")).toEqual([{ one: 1 }]);
});

test(
  "a process id that belongs to another program by now doesn't keep the server from starting",
  { timeout },
  async () => {
    await putCluster();
    const server = await startEmbeddedServer(folder);
    process.kill(await postmasterPid(), "SIGKILL");
    await server.ended;
    await server.stop();
    const stranger = spawn("sleep", ["60"]);
    const path = join(folder, "cluster", "postmaster.pid");
    await writeFile(path, (await readFile(path, "utf8")).replace(/^\d+/, String(stranger.pid)));
    try {
      await using again = await startEmbeddedServer(folder);
      expect(await query(again.address, "select 1 as one")).toEqual([{ one: 1 }]);
    } finally {
      stranger.kill();
    }
  },
);

test("what a making of the cluster left that was cut short is cleared away", { timeout }, async () => {
  const leftover = join(folder, "cluster.unfinished-abc123");
  await mkdir(leftover);
  await writeFile(join(leftover, "PG_VERSION"), "18\n");
  await using server = await startEmbeddedServer(folder);
  expect(await query(server.address, "select 1 as one")).toEqual([{ one: 1 }]);
  await expect(stat(leftover)).rejects.toThrow("ENOENT");
});

test("files of another version of PostgreSQL are refused by name", { timeout }, async () => {
  await putCluster();
  await writeFile(join(folder, "cluster", "PG_VERSION"), "17\n");
  await expect(startEmbeddedServer(folder)).rejects.toMatchObject({
    code: "database-unknown",
    message: expect.stringContaining("PostgreSQL 17"),
  });
});

test(
  "a folder whose path is too long for a socket gets its socket elsewhere, and leaves nothing there",
  { timeout },
  async () => {
    const long = join(folder, "long".repeat(30));
    await putCluster(long);
    const server = await startEmbeddedServer(long);
    expect(server.address.socketFolder.startsWith(tmpdir())).toBe(true);
    expect(await query(server.address, "select 1 as one")).toEqual([{ one: 1 }]);
    await server.stop();
    await expect(stat(server.address.socketFolder)).rejects.toThrow("ENOENT");
  },
);

test("a command finds the server that runs, and none when none runs", { timeout }, async () => {
  await putCluster();
  expect(await findEmbeddedServer(folder)).toBeUndefined();
  const server = await startEmbeddedServer(folder);
  expect(await findEmbeddedServer(folder)).toEqual(server.address);
  await server.stop();
  expect(await findEmbeddedServer(folder)).toBeUndefined();
});

test.runIf(process.getuid?.() === 0)(
  "root without user namespaces runs PostgreSQL as a user without an account, and keeps to it",
  { timeout },
  async () => {
    const inner = join(folder, "postgres");
    await putCluster(inner);
    const runAs = await chooseRunAs(inner, () => false);
    expect(runAs.user?.uid).toBeGreaterThan(0);
    await using server = await startEmbeddedServer(inner);
    expect(await query(server.address, "select 1 as one")).toEqual([{ one: 1 }]);
    const pid = (await readFile(join(inner, "cluster", "postmaster.pid"), "utf8")).split("\n")[0];
    expect((await stat(`/proc/${pid}`)).uid).toBe(runAs.user?.uid);
  },
);
