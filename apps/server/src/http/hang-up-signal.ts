import type { FastifyRequest } from "fastify";

/** Aborts when the client closes its connection before it has its answer. */
export function hangUpSignal(request: FastifyRequest): AbortSignal {
  const controller = new AbortController();
  request.raw.socket.once("close", () => controller.abort());
  return controller.signal;
}
