import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { errorCode, errorText, ServerError } from "../server-error.ts";

/** Listens, and returns the real port: the system chooses it where 0 is asked for. Throws `port-unavailable`. */
export async function listen(app: FastifyInstance, host: string, port: number, setting: string): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const why = errorCode(cause) === "EADDRINUSE" ? "another program uses it" : errorText(cause);
    throw new ServerError("port-unavailable", `The server can't listen on ${host}, port ${port}: ${why}.`, {
      cause,
      hint: `Choose another port with ${setting}.`,
    });
  }
  const address = app.server.address() as AddressInfo;
  return address.port;
}

/** Uploads that need longer than this to end are cut off: nothing of them is kept, and the agent sends them again. */
const stopTimeoutMs = 5000;

/** Connections are kept alive for the next request, which will not come: each is closed within this time of its last answer. */
const closeIdleEveryMs = 20;

/** Takes no more requests, lets those that run end, and closes. */
export async function closeApp(app: FastifyInstance): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), closeIdleEveryMs);
  const all = setTimeout(() => app.server.closeAllConnections(), stopTimeoutMs);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(all);
  }
}
