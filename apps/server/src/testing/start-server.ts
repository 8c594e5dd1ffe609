import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { Clock } from "../clock.ts";
import { readConfig } from "../config.ts";
import { startServer as startRealServer } from "../main.ts";

/** A whole server of its own for a test: as `npm start` makes it, in this process, on free ports. */
export interface TestServer extends AsyncDisposable {
  readonly httpsUrl: string;
  readonly httpUrl: string;
  /** PEM. */
  readonly certificateAuthority: string;
  readonly dataFolder: string;
  /** While nobody has an account. */
  readonly setUpLink: string | undefined;
  createApiKey(): Promise<string>;
  stop(): Promise<void>;
}

export interface TestServerOptions {
  /** Where the server keeps its data. A folder of the test's outlives the server; without one, it is made and removed. */
  readonly dataFolder?: string;
  /** More settings, as in the environment, such as those of an S3 store. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), "saveos-test-")));
  const config = readConfig({
    SAVEOS_LISTEN: "127.0.0.1",
    SAVEOS_HTTPS_PORT: "0",
    SAVEOS_HTTP_PORT: "0",
    SAVEOS_LOG_LEVEL: "error",
    // A test does in a second what people do in an hour.
    SAVEOS_RATE_LIMITS: "false",
    ...options.environment,
    SAVEOS_DATA_DIR: dataFolder,
  });
  const removeFolder = async () => {
    if (options.dataFolder === undefined) await rm(dataFolder, { recursive: true, force: true });
  };
  const log = pino({ level: config.logLevel }, pino.destination(2));
  const server = await startRealServer(config, log, options.clock).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  let stopped: Promise<void> | undefined;
  const stopOnce = async () => {
    await server[Symbol.asyncDispose]();
    await removeFolder();
  };
  const stop = async () => await (stopped ??= stopOnce());
  return {
    httpsUrl: server.httpsUrl,
    httpUrl: server.httpUrl,
    certificateAuthority: server.certificateAuthority,
    dataFolder,
    setUpLink: server.setUpLink,
    createApiKey: async () => await server.createApiKey("test"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
