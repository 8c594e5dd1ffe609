import type { FastifyReply } from "fastify";

/** Aborts when the client closes its connection before it has its answer. */
export function hangUpSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // The answer's own event, not the connection's: agents send a heartbeat after another on one connection, and each would leave a listener.
  raw.once("close", () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
