import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { FastifyInstance } from "fastify";
import { type Logger, pino } from "pino";
import { createAccess } from "./access/access.ts";
import { gatewayCallers } from "./access/gateway-callers.ts";
import { KnownCallers } from "./access/known-callers.ts";
import { createAgentLink } from "./agent-link/agent-link.ts";
import { openNotifications } from "./agent-link/notifications.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Config, readConfig } from "./config.ts";
import { prepareDataFolder } from "./data-folder.ts";
import { openServerDatabase } from "./database/open-database.ts";
import {
  accountRoutes,
  createAuth,
  ensureFirstTenant,
  makeSetUpToken,
  needsSetUp,
  personIdentifier,
  sendRenewedCookies,
  sessionSecret,
  SignInLimit,
} from "./features/accounts/index.ts";
import { agentRoutes } from "./features/agents/index.ts";
import { apiKeyRoutes, createApiKey } from "./features/api-keys/index.ts";
import { auditRoutes, theServer } from "./features/audit/index.ts";
import { delayedChangeRoutes } from "./features/delayed-changes/index.ts";
import { deletionRoutes } from "./features/deletions/index.ts";
import { downloadRoutes } from "./features/downloads/index.ts";
import { enrolmentRoutes } from "./features/enrolment/index.ts";
import { eventRoutes } from "./features/events/index.ts";
import { homeRoutes } from "./features/home/index.ts";
import { jobRoutes, workOn } from "./features/jobs/index.ts";
import { createMetrics, healthCheck, monitoringRoutes } from "./features/monitoring/index.ts";
import { orderRoutes } from "./features/orders/index.ts";
import { isRemovable, planRoutes } from "./features/plans/index.ts";
import { repositoryRoutes } from "./features/repositories/index.ts";
import { retentionRoutes } from "./features/retention/index.ts";
import { snapshotRoutes } from "./features/snapshots/index.ts";
import { tenantRoutes } from "./features/tenants/index.ts";
import { userRoutes } from "./features/users/index.ts";
import { vaultRoutes } from "./features/vault/index.ts";
import { measureLoad, verificationRoutes, Verifier } from "./features/verification/index.ts";
import { countTransfers, reconcileLedgers, registerGateway } from "./gateway/index.ts";
import { createApp } from "./http/create-app.ts";
import { closeApp, listen } from "./http/listen.ts";
import { publicUrlFor } from "./http/public-url.ts";
import { requestLimiter } from "./http/rate-limits.ts";
import { createLiveEvents } from "./live-events/live-events.ts";
import { openObjectStorage } from "./object-store/index.ts";
import { openQueue, prepareQueue } from "./queue/queue.ts";
import { repeat } from "./repeat.ts";
import { runProgram } from "./run-program.ts";
import { errorText, ServerError } from "./server-error.ts";
import { doTasks, tasks } from "./tasks.ts";
import { certificateNames, openServerTls } from "./tls/server-certificate.ts";
import { version } from "./version.ts";

/** A server that takes requests. Disposing of it stops it. */
export interface RunningServer extends AsyncDisposable {
  /** For agents and programs, over TLS. */
  readonly httpsUrl: string;
  /** For people on this machine. */
  readonly httpUrl: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly certificateAuthority: string;
  /** The link with which the first owner sets the server up, while nobody has an account. */
  readonly setUpLink: string | undefined;
  /** Makes a key that may do everything in the server's first tenant. */
  createApiKey(name: string): Promise<string>;
  /** Settles if the server can't go on, with the reason. */
  readonly failed: Promise<ServerError>;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Builds the whole server out of its parts and starts it: the only place where they are put together. */
export async function startServer(config: Config, log: Logger, clock: Clock = systemClock): Promise<RunningServer> {
  await using resources = new AsyncDisposableStack();
  await prepareDataFolder(config.dataFolder);
  const tlsFolder = join(config.dataFolder, "tls");
  const tls = await openServerTls(tlsFolder, config.names, clock.now());
  const { databases, address, ended } = resources.use(
    await openServerDatabase(config, async (at, owner) => await prepareQueue(at, owner, tasks)),
  );
  const { accounts } = databases;
  const objects = await openObjectStorage(config.objects);
  const notifications = resources.use(await openNotifications({ address, log }));
  const link = createAgentLink(notifications);
  const liveEvents = createLiveEvents(notifications);
  const queue = resources.use(
    await openQueue({ address, database: databases.door, log, supervises: config.role !== "api" }),
  );

  const { verifyMaxBytesPerSecond } = config;
  const transfers = countTransfers();
  const verifies = config.role !== "api" && verifyMaxBytesPerSecond > 0;
  const verifier = verifies
    ? new Verifier({
        databases,
        objects,
        clock,
        log: log.child({ task: "verify" }),
        load: resources.use(measureLoad(transfers)),
        maxBytesPerSecond: verifyMaxBytesPerSecond,
      })
    : undefined;
  const metrics = createMetrics({ databases, clock, link, queue, verifier, verifyMaxBytesPerSecond });
  const auth = createAuth({ accounts, secret: await sessionSecret(accounts) });
  const identifyPerson = personIdentifier({ accounts, auth });
  const knownCallers = new KnownCallers();
  const onRefused = metrics.countRefusedAttempt;
  const access = createAccess({ databases, clock, identifyPerson, knownCallers, onRefused });
  const limitRequests = config.limitsRequests ? await requestLimiter(knownCallers) : undefined;
  const checkHealth = healthCheck({ databases, objects, log });
  const onIdentityConflict = (agentId: string) => {
    metrics.countIdentityConflict();
    log.warn({ agentId }, "two machines use the credential of one agent");
  };
  let httpsPort = config.httpsPort;
  const publicUrl = publicUrlFor({
    publicUrl: config.publicUrl,
    publicName: config.publicName,
    names: certificateNames(config.names),
    hostname: hostname(),
    httpsPort: () => httpsPort,
  });
  const certificateAuthority =
    config.publicCaFile === undefined ? tls.authority : await readAuthority(config.publicCaFile);
  const stopping = new AbortController();
  const signInLimit = new SignInLimit(clock);
  const deps = { databases, clock, access, auth, signInLimit, link, liveEvents, queue, objects, log, metrics };
  const { agentFolder } = config;
  const isSetUp = async () => !(await needsSetUp(accounts));
  const more = {
    onIdentityConflict,
    checkHealth,
    publicUrl,
    certificateAuthority,
    agentFolder,
    isSetUp,
    stopping: stopping.signal,
    verifyMaxBytesPerSecond,
  };

  const buildApp = async (certificate?: { readonly certificate: string; readonly key: string }) => {
    const { trustedProxies } = config;
    const app = await createApp({ log, trustedProxies, ...(certificate === undefined ? {} : { tls: certificate }) });
    metrics.observe(app);
    transfers.observe(app);
    if (limitRequests !== undefined) app.addHook("onRequest", limitRequests);
    if (config.role === "worker") await app.register(monitoringRoutes({ ...deps, ...more }));
    else await registerFeatures(app, { ...deps, ...more });
    resources.defer(async () => await closeApp(app));
    return app;
  };
  const httpsApp = await buildApp(tls);
  const httpApp = await buildApp();
  // Stopped first of all: the answers to waiting agents are what the apps wait for.
  resources.defer(() => {
    link.close();
    stopping.abort();
  });
  httpsPort = await listen(httpsApp, config.listenAddress, config.httpsPort, "SAVEOS_HTTPS_PORT");
  const httpPort = await listen(httpApp, config.httpListenAddress, config.httpPort, "SAVEOS_HTTP_PORT");

  const onFailure = (error: unknown) => log.error({ reason: errorText(error) }, "a regular task failed");
  const renewCertificate = async () => {
    const { certificate, key } = await openServerTls(tlsFolder, config.names, clock.now());
    if ("setSecureContext" in httpsApp.server) Object(httpsApp.server).setSecureContext({ cert: certificate, key });
  };
  resources.use(repeat(dayMs, renewCertificate, onFailure));
  if (config.role !== "api") {
    await doTasks({ databases, clock, queue, objects, log });
    const stopVerifying = new AbortController();
    const verifying = verifier?.run(stopVerifying.signal);
    resources.defer(async () => {
      stopVerifying.abort();
      await verifying;
    });
    const reconcileLog = log.child({ task: "reconcile" });
    // It works through all objects and may be far from its end at a stop: the next start begins anew, so its complaints then mean nothing.
    resources.defer(() => void (reconcileLog.level = "silent"));
    void reconcileLedgers({ databases, objects, log: reconcileLog }).catch((error: unknown) => {
      reconcileLog.error({ reason: errorText(error) }, "could not reconcile the ledgers");
    });
  }

  const httpUrl = `http://localhost:${httpPort}`;
  const needsLink = config.role !== "worker" && !(await isSetUp());
  const setUpLink = needsLink ? `${httpUrl}/setup#${await makeSetUpToken({ accounts, clock })}` : undefined;
  const held = resources.move();
  return {
    httpsUrl: `https://localhost:${httpsPort}`,
    httpUrl,
    certificateAuthority: tls.authority,
    setUpLink,
    createApiKey: async (name) => {
      const database = databases.ofTenant(await ensureFirstTenant(accounts));
      return (await createApiKey({ database, clock }, theServer, { name, role: "owner" })).key;
    },
    failed: ended.then(
      (lastWords) => new ServerError("database-unavailable", `The embedded PostgreSQL has ended: ${lastWords}`),
    ),
    [Symbol.asyncDispose]: async () => await held.disposeAsync(),
  };
}

type FeatureDeps = Parameters<typeof accountRoutes>[0] &
  Parameters<typeof agentRoutes>[0] &
  Parameters<typeof downloadRoutes>[0] &
  Parameters<typeof enrolmentRoutes>[0] &
  Parameters<typeof eventRoutes>[0] &
  Parameters<typeof homeRoutes>[0] &
  Parameters<typeof monitoringRoutes>[0] &
  Parameters<typeof verificationRoutes>[0] &
  Pick<Parameters<typeof registerGateway>[1], "objects" | "log">;

/** Everything that an API process answers. */
async function registerFeatures(app: FastifyInstance, deps: FeatureDeps): Promise<void> {
  sendRenewedCookies(app);
  await app.register(await homeRoutes(deps));
  await app.register(monitoringRoutes(deps));
  await app.register(accountRoutes(deps));
  await app.register(userRoutes(deps));
  await app.register(tenantRoutes(deps));
  await app.register(apiKeyRoutes(deps));
  await app.register(auditRoutes(deps));
  await app.register(eventRoutes(deps));
  await app.register(enrolmentRoutes(deps));
  await app.register(downloadRoutes(deps));
  await app.register(agentRoutes(deps));
  await app.register(planRoutes(deps));
  await app.register(orderRoutes(deps));
  await app.register(jobRoutes(deps));
  await app.register(snapshotRoutes(deps));
  await app.register(repositoryRoutes(deps));
  await app.register(vaultRoutes(deps));
  await app.register(verificationRoutes(deps));
  await app.register(deletionRoutes(deps));
  await app.register(delayedChangeRoutes(deps));
  await app.register(retentionRoutes(deps));
  const { databases, clock, objects, log, access } = deps;
  registerGateway(app, {
    databases,
    objects,
    log,
    authorize: gatewayCallers(access),
    clock,
    isRemovable,
    workOn,
  });
}

async function readAuthority(file: string): Promise<string> {
  const pem = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ServerError("bad-setting", `SAVEOS_PUBLIC_CA_FILE can't be read: ${errorText(cause)}.`, { cause });
  });
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new ServerError("bad-setting", "SAVEOS_PUBLIC_CA_FILE holds no certificate in PEM form.");
}

/**
 * How much garbage may lie about before it is collected, in percent of what is alive. By itself V8 lets it grow to several times that: what a waiting heartbeat
 * holds is young for half a minute, so it gets among the old objects, and that place was cleared every few minutes only.
 */
const garbageMaxPercent = 30;

/** Runs a server as this process until it is told to stop. */
export async function serve(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${garbageMaxPercent}`);
  const stopAsked = Promise.withResolvers<undefined>();
  // From the first moment on: a stop in the middle of the start waits until there is something to stop.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopAsked.resolve(undefined));
  const config = readConfig(environment);
  // People read stdout, programs stderr.
  const log = pino({ level: config.logLevel }, pino.destination(2));
  await using server = await startServer(config, log);
  process.stdout.write(greeting(server, config));
  const failure = await Promise.race([stopAsked.promise, server.failed]);
  if (failure !== undefined) throw failure;
}

function greeting({ httpsUrl, httpUrl, setUpLink }: RunningServer, { dataFolder, role }: Config): string {
  if (role === "worker")
    return `SaveOS ${version} is ready, as a worker.\n  Its health  ${httpUrl}/health\n  Data        ${dataFolder}\n`;
  const lines = [
    `SaveOS ${version} is ready.`,
    `  For agents and the API  ${httpsUrl}`,
    `  For people, here        ${httpUrl}`,
    `  Data                    ${dataFolder}`,
  ];
  if (setUpLink !== undefined) {
    lines.push("", "Nobody has an account yet. This link makes the first one, once, within a day:", `  ${setUpLink}`);
  }
  return `${lines.join("\n")}\n`;
}

if (import.meta.main) await runProgram(async () => await serve(process.env));
