import type { FastifyInstance, FastifyRequest } from "fastify";

const renewed = new WeakMap<FastifyRequest, readonly string[]>();

/** Keeps the cookies of a session that was renewed by this request, for its answer. */
export function keepRenewedCookies(request: FastifyRequest, headers: Headers): void {
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) renewed.set(request, cookies);
}

/** Sends them with whatever is answered: without them the browser would forget a session that is used every day a week after it began. */
export function sendRenewedCookies(app: FastifyInstance): void {
  app.addHook("onSend", async (request, reply) => {
    // Who signs in or out with this very request gets the cookies of that.
    if (!reply.hasHeader("set-cookie"))
      for (const cookie of renewed.get(request) ?? []) reply.header("set-cookie", cookie);
  });
}
