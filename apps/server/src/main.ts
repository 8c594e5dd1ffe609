import { hostname } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { createAccess } from "./access/access.ts";
import { createAgentLink } from "./agent-link/agent-link.ts";
import { openNotifications } from "./agent-link/notifications.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Config, readConfig } from "./config.ts";
import { prepareDataFolder } from "./data-folder.ts";
import { openServerDatabase } from "./database/open-database.ts";
import { agentRoutes, forgetOldSessions } from "./features/agents/index.ts";
import { createApiKey, hasUsableApiKey } from "./features/api-keys/index.ts";
import { backupRoutes } from "./features/backups/index.ts";
import { enrolmentRoutes } from "./features/enrolment/index.ts";
import { homeRoutes } from "./features/home/index.ts";
import { endLostJobs, jobRoutes, leaseMs } from "./features/jobs/index.ts";
import { createMetrics, healthCheck, monitoringRoutes } from "./features/monitoring/index.ts";
import { reconcileLedgers, registerGateway } from "./gateway/index.ts";
import { createApp } from "./http/create-app.ts";
import { closeApp, listen } from "./http/listen.ts";
import { publicUrlFor } from "./http/public-url.ts";
import { openObjectStorage } from "./object-store/index.ts";
import { repeat } from "./repeat.ts";
import { runProgram } from "./run-program.ts";
import { errorText, ServerError } from "./server-error.ts";
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
  /** No key opens the API yet. */
  readonly needsApiKey: boolean;
  /** Makes a key for an administrator. */
  createApiKey(name: string): Promise<string>;
  /** Settles if the server can't go on, with the reason. */
  readonly failed: Promise<ServerError>;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Builds the whole server out of its parts and starts it: the only place where they are put together. */
export async function startServer(config: Config, log: Logger, clock: Clock = systemClock): Promise<RunningServer> {
  await using resources = new AsyncDisposableStack();
  await prepareDataFolder(config.dataFolder);
  const tlsFolder = join(config.dataFolder, "tls");
  const tls = await openServerTls(tlsFolder, config.names, clock.now());
  const { database, address, ended } = resources.use(await openServerDatabase(config));
  const objects = await openObjectStorage(config.objects);
  const link = createAgentLink(resources.use(await openNotifications({ address, log })));

  const metrics = createMetrics({ database, clock, link });
  const access = createAccess({ database, clock, onRefused: metrics.countRefusedAttempt });
  const checkHealth = healthCheck({ database, objects, log });
  const onIdentityConflict = (agentId: string) => {
    metrics.countIdentityConflict();
    log.warn({ agentId }, "two machines use the credential of one agent");
  };
  const names = certificateNames(config.names);
  let httpsPort = config.httpsPort;
  const publicUrl = publicUrlFor({
    publicName: config.publicName,
    names,
    hostname: hostname(),
    httpsPort: () => httpsPort,
  });
  const deps = { database, clock, access, link, onIdentityConflict, checkHealth, metrics, publicUrl };

  const buildApp = async (certificate?: { readonly certificate: string; readonly key: string }) => {
    const app = await createApp({ log, ...(certificate === undefined ? {} : { tls: certificate }) });
    metrics.observe(app);
    await app.register(await homeRoutes(deps));
    await app.register(monitoringRoutes(deps));
    await app.register(enrolmentRoutes({ ...deps, certificateAuthority: tls.authority }));
    await app.register(agentRoutes(deps));
    await app.register(backupRoutes(deps));
    await app.register(jobRoutes(deps));
    registerGateway(app, { database, objects, authorize: access.authorize, log });
    resources.defer(async () => await closeApp(app));
    return app;
  };
  const httpsApp = await buildApp(tls);
  const httpApp = await buildApp();
  // Stopped first of all: the answers to waiting agents are what the apps wait for.
  resources.defer(() => link.close());
  httpsPort = await listen(httpsApp, config.listenAddress, config.httpsPort, "SAVEOS_HTTPS_PORT");
  const httpPort = await listen(httpApp, "127.0.0.1", config.httpPort, "SAVEOS_HTTP_PORT");

  const onFailure = (error: unknown) => log.error({ reason: errorText(error) }, "a regular task failed");
  const startedAt = clock.now().getTime();
  const endLost = async () => {
    // A server that was away itself has heard nobody: it gives every agent a whole lease to speak up.
    if (clock.now().getTime() - startedAt < leaseMs) return;
    const lost = await endLostJobs({ database, clock });
    if (lost.length > 0) log.warn({ jobs: lost }, "ended jobs whose agents were not heard of");
  };
  const renewCertificate = async () => {
    const { certificate, key } = await openServerTls(tlsFolder, config.names, clock.now());
    if ("setSecureContext" in httpsApp.server) Object(httpsApp.server).setSecureContext({ cert: certificate, key });
  };
  resources.use(repeat(minuteMs, endLost, onFailure));
  resources.use(repeat(dayMs, renewCertificate, onFailure));
  resources.use(repeat(dayMs, async () => await forgetOldSessions({ database, clock }), onFailure));
  const reconcileLog = log.child({ task: "reconcile" });
  // It works through all objects and may be far from its end at a stop: the next start begins anew, so its complaints then mean nothing.
  resources.defer(() => void (reconcileLog.level = "silent"));
  void reconcileLedgers({ database, objects, log: reconcileLog }).catch((error: unknown) => {
    reconcileLog.error({ reason: errorText(error) }, "could not reconcile the ledgers");
  });

  const held = resources.move();
  return {
    httpsUrl: `https://localhost:${httpsPort}`,
    httpUrl: `http://localhost:${httpPort}`,
    certificateAuthority: tls.authority,
    needsApiKey: !(await hasUsableApiKey(database, clock.now())),
    createApiKey: async (name) => (await createApiKey({ database, clock }, { name })).key,
    failed: ended.then(
      (lastWords) => new ServerError("database-unavailable", `The embedded PostgreSQL has ended: ${lastWords}`),
    ),
    [Symbol.asyncDispose]: async () => await held.disposeAsync(),
  };
}

/** Runs a server as this process until it is told to stop. */
export async function serve(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
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

function greeting({ httpsUrl, httpUrl, needsApiKey }: RunningServer, { dataFolder }: Config): string {
  const lines = [
    `SaveOS ${version} is ready.`,
    `  For agents and the API  ${httpsUrl}`,
    `  For people, here        ${httpUrl}`,
    `  Data                    ${dataFolder}`,
  ];
  if (needsApiKey) lines.push("No one can administer it yet. Make an API key: npx saveos-server create-api-key");
  return `${lines.join("\n")}\n`;
}

if (import.meta.main) await runProgram(async () => await serve(process.env));
