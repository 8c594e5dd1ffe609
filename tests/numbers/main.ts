import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { restStore } from "@saveos/engine";
import { trustedFetch } from "../../apps/agent/src/daemon/trusted-fetch.ts";
import { administratorOf } from "../support/administrator.ts";
import { resticOn } from "../support/restic.ts";
import { mustRun, run } from "../support/run.ts";
import { agentAt, register, type SaveosAgent, secretsOf } from "../support/saveos-agent.ts";
import { type ServerProcess, serverProcess } from "../support/server-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeVault, openByVault } from "./open-by-vault.ts";
import { fillMixed, fillSmall, writeNoise } from "./sample-data.ts";
import { type Measured, measure } from "./measure.ts";

/**
 * `node tests/numbers/main.ts [name…]`: how long the product takes, and how much memory, for what it must be able to do: a real server, a
 * real agent, through TLS on this machine. Needs some 30 GB below the temporary folder and, for all of it, a quarter of an hour. Ends with 1
 * when a limit is passed or something came back different. Names: server-start, mixed, small-files, wide-folder, large-file, vault,
 * verification.
 */
const gigabyte = 1_000_000_000;

interface Limits {
  readonly seconds?: number;
  readonly mebibytes?: number;
}

const smallFilesLimits: Limits = { seconds: 300, mebibytes: 1536 };
const vaultLimits: Limits = { seconds: 3 };
const startLimits: Limits = { seconds: 5 };

const measurements: Readonly<Record<string, (world: World) => Promise<void>>> = {
  "server-start": async ({ server, restart }) => {
    const running = await restart();
    const startedMs = performance.now();
    await running.restart();
    while (!(await fetch(`${server.httpUrl}/health`)).ok);
    report(
      "server, from its start to healthy",
      { seconds: (performance.now() - startedMs) / 1000, peakMebibytes: 0 },
      startLimits,
    );
  },
  mixed: async (world) => {
    await roundTrip(world, "1 GB of mixed files", async (folder) => await fillMixed(folder, gigabyte));
    await judgeWithRestic(world);
  },
  "small-files": async (world) =>
    await roundTrip(
      world,
      "200,000 small files",
      async (folder) => await fillSmall(folder, { files: 200_000, filesPerFolder: 500 }),
      smallFilesLimits,
    ),
  "wide-folder": async (world) =>
    await roundTrip(
      world,
      "a folder of 100,000 entries",
      async (folder) => await fillSmall(folder, { files: 100_000, filesPerFolder: 100_000 }),
    ),
  "large-file": async (world) =>
    await roundTrip(
      world,
      "one file of 6 GB",
      async (folder) => await writeNoise(join(folder, "large"), 6 * gigabyte, 1),
    ),
  vault: async ({ temp, server, agent, apiKey }) => {
    const folder = join(temp, "source");
    await mkdir(folder);
    await fillSmall(folder, { files: 100_000, filesPerFolder: 100 });
    await agent("-q", "backup", folder);
    const { certificate_authority: authority } = (await administratorOf({ server, apiKey }).provision()).enrolment;
    await using trusted = trustedFetch(authority);
    const headers = { authorization: `Bearer ${apiKey}` };
    const storeOf = (id: string) =>
      restStore({ url: `${server.httpsUrl}/restic/${id}/`, fetch: trusted.fetch, headers, streamUploads: true });
    const { seconds, scryptSeconds, files } = await openByVault({ httpUrl: server.httpUrl, apiKey }, storeOf);
    verdict(`${files} files were found through the vault`, files === 100_000);
    report(
      `the vault and a snapshot of 100,000 files opened, besides ${scryptSeconds.toFixed(1)} s of scrypt`,
      { seconds: seconds - scryptSeconds, peakMebibytes: 0 },
      vaultLimits,
    );
  },
  verification: verifyFromDisk,
};

/** What the server must read in a second to verify, from the disk, when nothing else runs. */
const verifiedBytesPerSecondMin = 300_000_000;

interface World {
  readonly temp: string;
  readonly server: ServerProcess;
  readonly agent: SaveosAgent;
  readonly apiKey: string;
  readonly restart: () => Promise<{ restart(): Promise<void> }>;
}

let failures = 0;

async function main(names: readonly string[]): Promise<void> {
  for (const name of names.length === 0 ? Object.keys(measurements) : names) {
    const run = measurements[name];
    if (run === undefined)
      throw new Error(`There is no measurement ${name}: take one of ${Object.keys(measurements).join(", ")}`);
    await inWorld(run);
  }
  process.exitCode = failures === 0 ? 0 : 1;
}

/** A server and an agent of its own for each measurement, so that none of them finds another's blobs. */
async function inWorld(run: (world: World) => Promise<void>): Promise<void> {
  await using temp = await tempFolder();
  await using server = await serverProcess(join(temp.path, "data"));
  let running = await server.start();
  const apiKey = await server.createApiKey();
  await makeVault({ httpUrl: server.httpUrl, apiKey });
  const agent = agentAt(join(temp.path, "machine"));
  await register(agent, (await administratorOf({ server, apiKey }).provision()).enrolment);
  await run({
    temp: temp.path,
    server,
    agent,
    apiKey,
    restart: async () => {
      await running.stop();
      return { restart: async () => void (running = await server.start()) };
    },
  });
}

/** Backs a folder up, again unchanged, and restores it; all of it must come back. */
async function roundTrip(
  { temp, agent }: World,
  title: string,
  fill: (folder: string) => Promise<void>,
  limits: Limits = {},
): Promise<void> {
  const folder = join(temp, "source");
  const target = join(temp, "target");
  await mkdir(folder);
  await fill(folder);
  report(`${title}: first backup`, await measure(agent.start("-q", "backup", folder)), limits);
  report(`${title}: backup with nothing changed`, await measure(agent.start("-q", "backup", folder)), limits);
  report(`${title}: restore`, await measure(agent.start("-q", "restore", "latest", "--target", target)), limits);
  verdict(`${title}: all of it came back`, await isSame(folder, join(target, folder)));
  for (const path of [folder, target]) await rm(path, { recursive: true });
}

/** Has the server read 4 GB of packs again that the system doesn't hold in memory any more. */
async function verifyFromDisk({ temp, server, agent, apiKey }: World): Promise<void> {
  const folder = join(temp, "source");
  await mkdir(folder);
  await writeNoise(join(folder, "noise"), 4 * gigabyte, 1);
  await agent.json("backup", folder);
  await rm(folder, { recursive: true });
  await mustRun("sync", []);
  const isCold = (await run("sh", ["-c", "echo 3 > /proc/sys/vm/drop_caches"])).code === 0;
  const administrator = administratorOf({ server, apiKey });
  const [status] = (await agent.json("status")) as { repository_id: string }[];
  await administrator.verify(status?.repository_id ?? "");
  const { bytes_per_second: speed, total_bytes: bytes } = await administrator.verification();
  const from = isCold ? "the disk" : "memory: only root may drop what the system holds";
  verdict(
    `verification: ${Math.round(bytes / 1e6)} MB at ${Math.round((speed ?? 0) / 1e6)} MB/s from ${from} (at least 300)`,
    isCold && (speed ?? 0) >= verifiedBytesPerSecondMin,
  );
}

/** Contents, modes, owners and times to the nanosecond, with programs that take hundreds of thousands of files in seconds. */
async function isSame(one: string, other: string): Promise<boolean> {
  const listing = async (folder: string) => await mustRun("sh", ["-c", listEverything, "sh", folder]);
  return (
    (await run("diff", ["--recursive", "--brief", one, other])).code === 0 &&
    (await listing(one)) === (await listing(other))
  );
}

const listEverything = `cd "$1" && find . -printf '%p %y %m %U:%G %T@ %n\\n' | sort`;

async function judgeWithRestic({ temp, server, agent, apiKey }: World): Promise<void> {
  const { repository_password: password } = await secretsOf(agent);
  const [status] = (await agent.json("status")) as { agent_id: string; repository_id: string }[];
  const { enrolment } = await administratorOf({ server, apiKey }).provision();
  const cacert = join(temp, "authority.pem");
  await writeFile(cacert, enrolment.certificate_authority);
  const address = `rest:${server.httpsUrl.replace("https://", `https://restic:${apiKey}@`)}/restic/${status?.repository_id}/`;
  const { code, stderr } = await resticOn(address, password, { cacert }).attempt("check", "--read-data");
  verdict(`stock restic finds nothing wrong${code === 0 ? "" : `: ${stderr}`}`, code === 0);
}

function report(
  title: string,
  { seconds, peakMebibytes }: Measured,
  { seconds: secondsMax, mebibytes: mebibytesMax }: Limits,
): void {
  const isGood = seconds <= (secondsMax ?? Infinity) && peakMebibytes <= (mebibytesMax ?? Infinity);
  const limits = [secondsMax && `${secondsMax} s`, mebibytesMax && `${mebibytesMax} MiB`].filter(
    (text) => text !== undefined,
  );
  const memory = peakMebibytes === 0 ? "" : `, ${peakMebibytes} MiB at most`;
  verdict(
    `${title}: ${seconds.toFixed(1)} s${memory}${limits.length === 0 ? "" : ` (allowed: ${limits.join(", ")})`}`,
    isGood,
  );
}

function verdict(sentence: string, isGood: boolean): void {
  if (!isGood) failures += 1;
  console.log(`${isGood ? "✓" : "✗"} ${sentence}`);
}

await main(process.argv.slice(2));
