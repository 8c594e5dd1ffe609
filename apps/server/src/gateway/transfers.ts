import type { FastifyInstance } from "fastify";

/** What goes through the gateway of this process at the moment. */
export interface Transfers {
  /** Counts the gateway's requests of an app. */
  observe(app: FastifyInstance): void;
  /** Whether any is under way, or ended a moment ago: agents send one object after another. */
  isActive(): boolean;
}

/** Between two objects of one backup there is rarely more than this. */
const pauseMaxMs = 2000;

export function countTransfers(now: () => number = () => performance.now()): Transfers {
  let underWay = 0;
  let lastEndedAt = -Infinity;
  return {
    observe: (app) => {
      app.addHook("onRequest", async ({ routeOptions }, reply) => {
        if (routeOptions.url !== "/restic/*") return;
        underWay += 1;
        reply.raw.once("close", () => {
          underWay -= 1;
          lastEndedAt = now();
        });
      });
    },
    isActive: () => underWay > 0 || now() - lastEndedAt < pauseMaxMs,
  };
}
