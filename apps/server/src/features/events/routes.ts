import { PassThrough } from "node:stream";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, callerOf, operatorOf } from "../../access/access.ts";
import { callerId } from "../../access/caller.ts";
import { describe } from "../../http/describe.ts";
import { ProblemError } from "../../http/problem.ts";
import type { LiveEvents } from "../../live-events/live-events.ts";
import { EventStream } from "./event-stream.ts";

/** Proxies close what is silent for a minute. */
export const aliveEveryMs = 20_000;
/** A browser with some pages open. */
export const streamsOfCallerMax = 20;

interface Deps {
  readonly access: Access;
  readonly liveEvents: LiveEvents;
  /** Aborts when the process is about to stop. */
  readonly stopping: AbortSignal;
}

/** Server-sent events: what has changed, as it changes. */
export function eventRoutes({ access, liveEvents, stopping }: Deps): FastifyPluginAsyncZod {
  const openStreams = new Map<string, number>();
  const allow = access.allow("events:read");

  return async (app) => {
    app.get("/api/v1/events", {
      onRequest: allow,
      schema: {
        ...describe(
          "monitoring",
          "events:read",
          "What changes, as it changes",
          "Server-sent events: `agent`, `job`, `plan`, `snapshot` and `vault` with the id of what changed, and `resync` when some may have been missed. Ask for what it is now.",
        ),
        response: { 200: z.instanceof(PassThrough).meta({ type: "string", description: "text/event-stream" }) },
      },
      handler: async (request, reply) => {
        const caller = operatorOf(request);
        // Its end was told before anybody listened for it.
        if (reply.raw.destroyed) return reply.hijack();
        const close = openOne(callerId(caller));
        const stream = new EventStream(reply);
        const listening = liveEvents.listen(caller.tenantId, (event) => stream.tell(event));
        const end = () => stream.end();
        const alive = setInterval(() => {
          stream.showLife();
          void isStillAllowed(request, caller.tenantId).then((isAllowed) => (isAllowed ? undefined : end()));
        }, aliveEveryMs);
        stopping.addEventListener("abort", end);
        reply.raw.once("close", () => {
          clearInterval(alive);
          listening[Symbol.dispose]();
          stopping.removeEventListener("abort", end);
          close();
        });
        return await stream.begin();
      },
    });
  };

  /** Counts a stream of the caller until it is closed. */
  function openOne(id: string): () => void {
    const open = openStreams.get(id) ?? 0;
    if (open >= streamsOfCallerMax) {
      throw new ProblemError(429, "You have too many event streams open already. Close one first.", {
        headers: { "retry-after": String(aliveEveryMs / 1000) },
      });
    }
    openStreams.set(id, open + 1);
    return () => {
      const left = (openStreams.get(id) ?? 1) - 1;
      if (left === 0) openStreams.delete(id);
      else openStreams.set(id, left);
    };
  }

  /** A stream goes on for hours: a session that ended, a key that was revoked or a person who left must not hear any more. */
  async function isStillAllowed(request: FastifyRequest, tenantId: string): Promise<boolean> {
    try {
      await allow(request);
      return callerOf(request).tenantId === tenantId;
    } catch (error) {
      // A database that is away for a moment says nothing about who may listen.
      return !(error instanceof ProblemError);
    }
  }
}
