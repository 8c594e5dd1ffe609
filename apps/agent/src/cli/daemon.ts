import { randomUUID } from "node:crypto";
import path from "node:path";
import { Bell } from "../daemon/bell.ts";
import { runDaemon } from "../daemon/daemon.ts";
import { httpsLink } from "../daemon/https-link.ts";
import { Inbox } from "../daemon/inbox.ts";
import { readLinkState, writeLinkState } from "../daemon/link-state.ts";
import type { Log } from "../daemon/log.ts";
import { Outbox } from "../daemon/outbox.ts";
import { ServerClock } from "../daemon/server-clock.ts";
import { holdSingleInstance } from "../daemon/single-instance.ts";
import { trustedFetch } from "../daemon/trusted-fetch.ts";
import { type EnrolledMachine, requireEnrolment } from "../enrolment/enrolled-machine.ts";
import { prepareRepository } from "../enrolment/prepare-repository.ts";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { nowText } from "../host/clock.ts";
import { machineFacts } from "../host/facts.ts";
import { machineId } from "../host/machine-id.ts";
import { followTimeZone, machineTimeZone } from "../host/time-zone.ts";
import type { OpenedForOrder, OpenForOrder, OrderDeps } from "../jobs/order-deps.ts";
import { runOrder } from "../jobs/run-order.ts";
import { connectStore } from "../repository/connect-store.ts";
import { openWithCache } from "../repository/open-repository.ts";
import { jsonText } from "../terminal/json.ts";
import { styleFor } from "../terminal/style.ts";
import { keeperOfMachine } from "../vault/keeper-of-machine.ts";
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
  const { config, home, secrets } = machine;
  const log = daemonLog(world, global);
  if (options.normalPriority !== true) await lowerPriority(log.warn);
  await using _place = await holdSingleInstance(home.stateFolder, world.platform);
  if (!config.repositoryReady) await prepareRepository(world, machine, (message) => log.warn(message));

  await using trusted = trustedFetch(config.certificateAuthority);
  const link = httpsLink({ fetch: trusted.fetch, serverUrl: config.serverUrl, credential: () => secrets.credential });
  const inbox = await Inbox.open(path.join(home.stateFolder, "inbox.json"));
  const outbox = await Outbox.open(path.join(home.stateFolder, "outbox.json"));
  const serverClock = new ServerClock(world.clock);
  const deps = { ...orderDeps(world, global, machine, log), serverAheadMs: () => serverClock.aheadMs };
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
      vault: keeperOfMachine(world, machine, link, log),
      serverClock,
      note: (failure) => noteHeartbeat(world, home.stateFolder, failure),
      runOrder: async (order, run) => await runOrder(deps, order, run),
      keepCredential: async (credential) => await secrets.replaceCredential(credential),
      timeZone: zoneOf(world),
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

function orderDeps(
  world: World,
  global: GlobalOptions,
  machine: EnrolledMachine,
  log: Log,
): Omit<OrderDeps, "serverAheadMs"> {
  const { config, home, secrets } = machine;
  return {
    openRepository: async (request) => await openForOrder(world, global, machine, request, log),
    ownRepositoryId: config.repositoryId,
    identity: secrets.identity,
    home,
    machine: machineFacts(),
    env: world.env,
    platform: world.platform,
    programVersion,
    clock: world.clock,
    log,
  };
}

async function openForOrder(
  world: World,
  { uploadBytesPerSecond, downloadBytesPerSecond, limitWindow }: GlobalOptions,
  machine: EnrolledMachine,
  { repository: which, useCache, bandwidth, grant, onRetry, signal }: OpenForOrder,
  log: Log,
): Promise<OpenedForOrder> {
  const choice = { kind: "enrolled", machine, repositoryPath: which === "own" ? undefined : which.path } as const;
  const connected = await connectStore(world, choice, {
    caFile: undefined,
    extended: new Map(),
    uploadBytesPerSecond,
    downloadBytesPerSecond,
    limitWindow,
    bandwidth,
    grant,
    onRetry,
  });
  try {
    const repository = await openWithCache(world, connected.store, {
      password: which === "own" ? machine.secrets.repositoryPassword : which.password,
      cacheFolder: useCache ? machine.home.cacheFolder : undefined,
      onCacheError: log.warn,
      signal,
    });
    return { repository, [Symbol.asyncDispose]: () => connected[Symbol.asyncDispose]() };
  } catch (error) {
    await connected[Symbol.asyncDispose]();
    throw error;
  }
}

/** The zone of the machine now, which the process follows. */
function zoneOf(world: World): () => Promise<string> {
  // What was set at the start counts; following a zone sets it, too.
  const facts = { platform: world.platform, env: { TZ: world.env["TZ"] } };
  return async () => {
    const zone = await machineTimeZone(facts);
    followTimeZone(zone);
    return zone;
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
