import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { mustRun } from "./run.ts";
import { type RunningProgram, startProgram } from "./start-program.ts";

/** The server's program on a data folder, always at the same ports, so that it can be killed and started again. */
export interface ServerProcess extends AsyncDisposable {
  readonly httpsUrl: string;
  readonly httpUrl: string;
  readonly dataFolder: string;
  /** Starts it and resolves when it takes requests. */
  start(): Promise<RunningProgram>;
  /** Makes an administrator's key with the server's own command. */
  createApiKey(): Promise<string>;
}

const source = join(import.meta.dirname, "../../apps/server/src");

/** `settings` go into its environment. What still runs at the end is stopped. */
export async function serverProcess(
  dataFolder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const [httpsPort, httpPort] = await freePorts(2);
  const env = {
    SAVEOS_LISTEN: "127.0.0.1",
    SAVEOS_HTTPS_PORT: String(httpsPort),
    SAVEOS_HTTP_PORT: String(httpPort),
    ...settings,
    SAVEOS_DATA_DIR: dataFolder,
  };
  const running = new AsyncDisposableStack();
  return {
    httpsUrl: `https://localhost:${httpsPort}`,
    httpUrl: `http://localhost:${httpPort}`,
    dataFolder,
    start: async () => {
      const program = running.use(startProgram(process.execPath, [join(source, "main.ts")], { env }));
      await program.until("is ready");
      return program;
    },
    createApiKey: async () =>
      (await mustRun(process.execPath, [join(source, "cli.ts"), "create-api-key", "--name", "test"], { env })).trim(),
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}
