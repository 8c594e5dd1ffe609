import { PassThrough } from "node:stream";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, operatorOf } from "../../access/access.ts";
import { callerId } from "../../access/caller.ts";
import { describe } from "../../http/describe.ts";
import { ProblemError } from "../../http/problem.ts";
import type { LiveEvents } from "../../live-events/live-events.ts";

/** Proxies close what is silent for a minute. */
const aliveEveryMs = 20_000;
/** A browser with some pages open. */
const streamsOfCallerMax = 20;
/** A listener that doesn't read for so long is told to come again: what it missed is not kept for it. */
const unreadMaxBytes = 256 * 1024;

interface Deps {
  readonly access: Access;
  readonly liveEvents: LiveEvents;
  /** Aborts when the process is about to stop. */
  readonly stopping: AbortSignal;
}

/** Server-sent events (HTML Standard, "Server-sent events"): what has changed, as it changes. */
export function eventRoutes({ access, liveEvents, stopping }: Deps): FastifyPluginAsyncZod {
  const streams = new Map<string, number>();
  return async (app) => {
    app.get("/api/v1/events", {
      onRequest: access.allow("events:read"),
      schema: {
        ...describe(
          "monitoring",
          "events:read",
          "What changes, as it changes",
          "Server-sent events: `agent`, `job`, `plan` and `snapshot` with the id of what changed, and `resync` when some may have been missed. Ask for what it is now.",
        ),
        response: { 200: z.instanceof(PassThrough).meta({ type: "string", description: "text/event-stream" }) },
      },
      handler: async (request, reply) => {
        const caller = operatorOf(request);
        const id = callerId(caller);
        const open = streams.get(id) ?? 0;
        if (open >= streamsOfCallerMax) throw new ProblemError(429, "You have too many event streams open already.");
        streams.set(id, open + 1);
        const stream = new PassThrough();
        const write = (text: string) => {
          if (stream.writableLength > unreadMaxBytes) stream.end();
          else if (!stream.writableEnded) stream.write(text);
        };
        const listening = liveEvents.listen(caller.tenantId, (event) =>
          write(
            event === undefined
              ? "event: resync\ndata: {}\n\n"
              : `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
          ),
        );
        const alive = setInterval(() => write(": alive\n\n"), aliveEveryMs);
        const end = () => stream.end();
        stopping.addEventListener("abort", end);
        reply.raw.once("close", () => {
          clearInterval(alive);
          listening[Symbol.dispose]();
          stopping.removeEventListener("abort", end);
          const left = (streams.get(id) ?? 1) - 1;
          if (left === 0) streams.delete(id);
          else streams.set(id, left);
          stream.destroy();
        });
        write("retry: 2000\n\n");
        return await reply
          .headers({ "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" })
          .send(stream);
      },
    });
  };
}
