import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import path from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { systemErrorCode } from "../errors/system-error.ts";

/**
 * Holds the place of the one daemon of a home for as long as the scope lasts: two would run every order twice and fight over one identity.
 * It is held by an open socket, which ends with its process however that ends. Rejects with `usage` if
 * another one runs.
 */
export async function holdSingleInstance(stateFolder: string, platform: NodeJS.Platform): Promise<AsyncDisposable> {
  const address = socketAddress(stateFolder, platform);
  try {
    return await listen(address);
  } catch (error) {
    if (systemErrorCode(error) !== "EADDRINUSE") throw error;
    if (await answers(address)) throw alreadyRuns(stateFolder);
    // A socket file that nobody listens on is what a killed daemon leaves (only where sockets are files).
    await rm(address, { force: true });
    return await listen(address);
  }
}

/** Linux and Windows have names for sockets that are no files and go with their process. */
function socketAddress(stateFolder: string, platform: NodeJS.Platform): string {
  const name = `saveos-agent-${createHash("sha256").update(path.resolve(stateFolder)).digest("hex").slice(0, 32)}`;
  if (platform === "win32") return `\\\\.\\pipe\\${name}`;
  return platform === "linux" ? `\0${name}` : path.join(stateFolder, "daemon.sock");
}

async function listen(address: string): Promise<AsyncDisposable> {
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, resolve);
  });
  return { [Symbol.asyncDispose]: async () => await new Promise<void>((resolve) => server.close(() => resolve())) };
}

async function answers(address: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const connection = connect(address);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

function alreadyRuns(stateFolder: string): AgentError {
  return new AgentError("usage", `A daemon of this machine runs already (${stateFolder}).`, {
    hint: "Stop it first, or let it work: `saveos-agent status` tells how it is.",
  });
}
