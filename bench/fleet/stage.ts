import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { done } from "../screen.ts";
import { Administrator } from "./administrator.ts";
import { type EnrolledMachine, enrolFleet } from "./enrol-fleet.ts";
import { type Door, tlsDoor } from "./line.ts";
import { usageOf } from "./process-usage.ts";
import type { EnrolmentFigures, Side } from "./results.ts";
import { endServers, makeApiKey, type ServerProcess, startServerProcess } from "./server-process.ts";

/** A server's data and the machines that have enrolled with it: what outlives the server's process. */
export interface Stage extends AsyncDisposable {
  readonly machines: readonly EnrolledMachine[];
  /** Enrols as many as are missing. Undefined if none are. */
  enrol(count: number): Promise<EnrolmentFigures | undefined>;
  /** Starts the server: what it took to enrol machines is then not in its memory. */
  open(side: Side): Promise<Opened>;
}

/** The server runs. Disposing of it stops it. */
export interface Opened extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly door: Door;
  readonly administrator: Administrator;
  /** RSS of the server before anything was asked of it. */
  readonly emptyBytes: number;
}

export async function setStage({ keep }: { readonly keep: boolean }): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "saveos-fleet-"));
  const dataFolder = join(folder, "data");
  const machines: EnrolledMachine[] = [];
  let key: string | undefined;

  const open = async (side: Side): Promise<Opened> => {
    await using opening = new AsyncDisposableStack();
    const options = { dataFolder, logFile: join(folder, "server.log"), isProxied: side === "proxied" };
    const server = opening.use(await startServerProcess(options));
    key ??= await makeApiKey(dataFolder);
    const door = await doorOf(server, side, dataFolder);
    const administrator = opening.use(new Administrator(door, key));
    const { rssBytes } = await usageOf(server.pid);
    const held = opening.move();
    return {
      server,
      door,
      administrator,
      emptyBytes: rssBytes,
      [Symbol.asyncDispose]: async () => await held.disposeAsync(),
    };
  };

  return {
    machines,
    enrol: async (count) => {
      const from = machines.length;
      if (count <= from) return undefined;
      await using opened = await open("proxied");
      const startedAt = performance.now();
      machines.push(...(await enrolFleet(opened.administrator, opened.door, { from, to: count })));
      const seconds = (performance.now() - startedAt) / 1000;
      done(`Enrolled ${count - from} machines in ${seconds.toFixed(1)} s.`);
      return { machines: count - from, seconds, slowedDown: opened.administrator.slowedDown };
    },
    open,
    [Symbol.asyncDispose]: async () => {
      await endServers();
      if (keep) done(`Left in ${folder}`);
      else await rm(folder, { recursive: true, force: true });
    },
  };
}

async function doorOf(server: ServerProcess, side: Side, dataFolder: string): Promise<Door> {
  if (side === "proxied") return { kind: "proxied", port: server.httpPort };
  return tlsDoor(server.httpsPort, await readFile(join(dataFolder, "tls", "authority.crt"), "utf8"));
}
