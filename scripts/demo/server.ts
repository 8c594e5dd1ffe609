import { createServer } from "node:net";
import { join } from "node:path";
import { DemoError } from "./screen.ts";
import { runProgram, serverProgram, start, stop } from "./programs.ts";
import type { Workspace } from "./workspace.ts";

export interface DemoServer extends AsyncDisposable {
  /** For agents, over TLS. */
  readonly url: string;
  /** For people, on this machine only. */
  readonly loopbackUrl: string;
  /** The certificate authority that it made at its first start. */
  readonly authorityFile: string;
}

/** The ports of a server that nobody configured; taken ones are replaced by free ones. */
const httpsPort = 8000;
const httpPort = 3000;

/** Starts the server on its embedded defaults, with an own data folder, and waits until it says that it is ready. */
export async function startServer(workspace: Workspace, signal: AbortSignal): Promise<DemoServer> {
  const env = {
    ...serverEnvironment(workspace),
    // The agent is on this machine, whose own name may not resolve.
    SAVEOS_HOSTNAME: "localhost",
    SAVEOS_HTTPS_PORT: String(await freePort(httpsPort)),
    SAVEOS_HTTP_PORT: String(await freePort(httpPort)),
  };
  const child = start(serverProgram, ["start"], { env });
  let printed = "";
  const ready = new Promise<void>((resolve, reject) => {
    const onText = (text: string) => {
      printed += text;
      if (/is ready/.test(printed) && loopbackUrl.test(printed)) resolve();
    };
    child.stdout?.setEncoding("utf8").on("data", onText);
    child.stderr?.setEncoding("utf8").on("data", onText);
    child.once("error", reject);
    child.once("close", () => reject(new DemoError(`The server did not start:\n${printed.trim()}`)));
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  const server = { [Symbol.asyncDispose]: () => stop(child) };
  try {
    await ready;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return {
    ...server,
    url: `https://localhost:${env.SAVEOS_HTTPS_PORT}`,
    loopbackUrl: `http://localhost:${env.SAVEOS_HTTP_PORT}`,
    authorityFile: join(env.SAVEOS_DATA_DIR, "tls/authority.crt"),
  };
}

const loopbackUrl = /http:\/\/localhost:\d+/;

/** An administrator's credential, made by the server's own command. */
export async function createApiKey(workspace: Workspace): Promise<string> {
  return (
    await runProgram(serverProgram, ["create-api-key", "--name", "demo"], { env: serverEnvironment(workspace) })
  ).trim();
}

function serverEnvironment({ path }: Workspace): { SAVEOS_DATA_DIR: string; DATABASE_URL: string } {
  // An empty address means the embedded database, whatever the environment of the person says.
  return { SAVEOS_DATA_DIR: join(path, "server"), DATABASE_URL: "" };
}

async function freePort(wanted: number): Promise<number> {
  return (await canListen(wanted)) ?? (await canListen(0)) ?? wanted;
}

async function canListen(port: number): Promise<number | undefined> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(undefined));
    probe.listen(port, () => {
      const address = probe.address();
      const found = typeof address === "object" && address !== null ? address.port : undefined;
      probe.close(() => resolve(found));
    });
  });
}
