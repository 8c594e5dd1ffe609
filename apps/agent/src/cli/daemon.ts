import { randomUUID } from "node:crypto";
import path from "node:path";
import type { Problem } from "@saveos/engine";
import { Bell } from "../daemon/bell.ts";
import { runDaemon } from "../daemon/daemon.ts";
import { httpsLink } from "../daemon/https-link.ts";
import { Inbox } from "../daemon/inbox.ts";
import { readLinkState, writeLinkState } from "../daemon/link-state.ts";
import type { Log } from "../daemon/log.ts";
import { Outbox } from "../daemon/outbox.ts";
import { holdSingleInstance } from "../daemon/single-instance.ts";
import { trustedFetch } from "../daemon/trusted-fetch.ts";
import { type EnrolledMachine, requireEnrolment } from "../enrolment/enrolled-machine.ts";
import { prepareRepository } from "../enrolment/prepare-repository.ts";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { nowText } from "../host/clock.ts";
import { machineFacts } from "../host/facts.ts";
import { machineId } from "../host/machine-id.ts";
import { type BackupOrderDeps, runBackupOrder } from "../jobs/run-backup-order.ts";
import { connectStore } from "../repository/connect-store.ts";
import { openWithCache } from "../repository/open-repository.ts";
import { jsonText } from "../terminal/json.ts";
import { styleFor } from "../terminal/style.ts";
import type { World } from "../world.ts";
import type { Invocation } from "./command-line.ts";
import type { GlobalOptions } from "./global-options.ts";
import { lowerPriority } from "./lower-priority.ts";
import { programVersion, version } from "./version.ts";

export interface DaemonOptions {
  /** Scheduled work is in nobody's way unless told otherwise. */
  readonly normalPriority?: true;
}

/** Serves the server until a signal. To be stopped is how it ends, so that is success. */
export async function runDaemonCommand({ world, global, options }: Invocation<DaemonOptions>): Promise<ExitCode> {
  const machine = await requireEnrolment(world, global);
  const { config, home } = machine;
  const log = daemonLog(world, global);
  if (options.normalPriority !== true) await lowerPriority(log.warn);
  await using _place = await holdSingleInstance(home.stateFolder, world.platform);
  if (!config.repositoryReady) await prepareRepository(world, machine, (message) => log.warn(message));

  await using trusted = trustedFetch(config.certificateAuthority);
  const link = httpsLink({ fetch: trusted.fetch, serverUrl: config.serverUrl, credential: machine.credential });
  const inbox = await Inbox.open(path.join(home.stateFolder, "inbox.json"));
  const outbox = await Outbox.open(path.join(home.stateFolder, "outbox.json"));
  const orderDeps = backupOrderDeps(world, global, machine, log);
  log.info(`Serving ${config.serverUrl} as agent ${config.agentId}`);
  await runDaemon(
    {
      link,
      inbox,
      outbox,
      clock: world.clock,
      random: world.random,
      log,
      reportsWait: new Bell(),
      note: (failure) => noteHeartbeat(world, home.stateFolder, failure),
      runOrder: (order, run) => runBackupOrder(orderDeps, order, run),
    },
    {
      hostname: machineFacts().hostname,
      agentVersion: version,
      machineId: await machineId(world.platform, home.stateFolder),
      sessionId: randomUUID(),
    },
    world.signal,
  );
  log.info("Stopped");
  return exitCode.done;
}

function backupOrderDeps(world: World, global: GlobalOptions, machine: EnrolledMachine, log: Log): BackupOrderDeps {
  const { cacheFolder } = machine.home;
  const onRetry = (message: string) => log.warn(message);
  return {
    openRepository: async (signal) => {
      const settings = {
        caFile: undefined,
        extended: new Map(),
        uploadBytesPerSecond: global.uploadBytesPerSecond,
        downloadBytesPerSecond: global.downloadBytesPerSecond,
        limitWindow: global.limitWindow,
        onRetry,
      };
      const connected = await connectStore(world, { kind: "enrolled", machine }, settings);
      const repository = await openWithCache(world, connected.store, {
        password: machine.repositoryPassword,
        cacheFolder,
        onCacheError: log.warn,
        signal,
      });
      return { repository, [Symbol.asyncDispose]: () => connected[Symbol.asyncDispose]() };
    },
    machine: machineFacts(),
    env: world.env,
    platform: world.platform,
    programVersion,
    ownCacheFolder: cacheFolder,
    onProblem: ({ path: item, message }: Problem) =>
      log.warn(item === "" || message.includes(item) ? message : `${item}: ${message}`),
    onWaiting: log.info,
  };
}

async function noteHeartbeat(world: World, stateFolder: string, failure: string | undefined): Promise<void> {
  const { heartbeatAt } = await readLinkState(stateFolder);
  await writeLinkState(stateFolder, {
    heartbeatAt: failure === undefined ? nowText(world.clock) : heartbeatAt,
    failure,
  });
}

/** One line a sentence with its time, on standard output: that is what service managers collect. */
function daemonLog(world: World, { json, quiet }: { readonly json: boolean; readonly quiet: boolean }): Log {
  const { stdout, env, clock } = world;
  const style = styleFor(stdout, env);
  const write = (level: "info" | "warning", message: string, paint: (text: string) => string) => {
    const time = nowText(clock);
    const text = json
      ? jsonText({ message_type: "log", time, level, message })
      : `${style.quiet(time)}  ${paint(message)}`;
    void stdout.write(`${text}\n`);
  };
  return {
    info: (message) => {
      if (!quiet) write("info", message, (text) => text);
    },
    warn: (message) => write("warning", message, style.warning),
  };
}
