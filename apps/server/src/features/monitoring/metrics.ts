import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { AgentLink } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Queue } from "../../queue/queue.ts";
import { version } from "../../version.ts";
import type { Verifier } from "../verification/index.ts";
import { measureTenant } from "./measure-tenant.ts";

/** What the server measures about itself, and what the database holds of a tenant when it is read. */
export interface Metrics {
  /** Prometheus' text format: this process, and the tenant of the one who asks. */
  read(tenantId: string): Promise<string>;
  readonly contentType: string;
  /** Measures the requests of an app. */
  observe(app: FastifyInstance): void;
  readonly countRefusedAttempt: () => void;
  readonly countIdentityConflict: () => void;
}

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly link: AgentLink;
  readonly queue: Pick<Queue, "counts">;
  /** Nothing in a process that doesn't verify. */
  readonly verifier: Pick<Verifier, "readBytes" | "unreachable" | "bytesPerSecond"> | undefined;
  readonly verifyMaxBytesPerSecond: number;
}

/** Of prom-client's own metrics these are gauges whose names say counter, which `promtool check metrics` refuses; the same without `_total` have what they count. */
const misnamed = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

export function createMetrics({ databases, clock, link, queue, verifier, verifyMaxBytesPerSecond }: Deps): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  new Gauge({ name: "saveos_info", help: "The version that runs.", labelNames: ["version"], registers }).set(
    { version },
    1,
  );
  registry.registerMetric(waitingAgents(link));
  registry.registerMetric(queuedTasks(queue));
  if (verifier !== undefined) for (const metric of ofVerifier(verifier)) registry.registerMetric(metric);
  const requests = new Histogram({
    name: "saveos_http_request_duration_seconds",
    help: "Time from a request's head to its answer's end. Heartbeats wait up to 30 s by design.",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.02, 0.1, 0.25, 0.5, 2, 10, 35, 120],
    registers,
  });
  const refused = new Counter({
    name: "saveos_refused_attempts_total",
    help: "Requests with a wrong credential or enrolment token.",
    registers,
  });
  const conflicts = new Counter({
    name: "saveos_identity_conflicts_total",
    help: "Heartbeats of two machines with one identity.",
    registers,
  });
  return {
    read: async (tenantId) => {
      const ofTenant = await measureTenant({
        database: databases.ofTenant(tenantId),
        clock,
        verifyMaxBytesPerSecond,
      });
      return await Registry.merge([registry, ofTenant]).metrics();
    },
    contentType: registry.contentType,
    observe: (app) => {
      app.addHook("onResponse", async ({ method, routeOptions }, reply) => {
        // The route's pattern and not its address: addresses are without number, and so would be the series.
        const labels = { method, route: routeOptions.url ?? "none", status: String(reply.statusCode) };
        requests.observe(labels, reply.elapsedTime / 1000);
      });
    },
    countRefusedAttempt: () => refused.inc(),
    countIdentityConflict: () => conflicts.inc(),
  };
}

function waitingAgents(link: AgentLink): Gauge {
  return new Gauge({
    name: "saveos_waiting_agents",
    help: "Heartbeats that wait for an order in this process.",
    registers: [],
    collect() {
      this.set(link.waiting);
    },
  });
}

/** What this process reads: add it up over all of them. */
function ofVerifier(verifier: NonNullable<Deps["verifier"]>): (Counter | Gauge)[] {
  return [
    new Counter({
      name: "saveos_verification_read_bytes_total",
      help: "Bytes that this process has read to verify them.",
      registers: [],
      collect() {
        this.reset();
        this.inc(verifier.readBytes);
      },
    }),
    new Gauge({
      name: "saveos_verification_allowed_bytes_per_second",
      help: "How fast this process may read at the moment: less than its budget while others want something.",
      registers: [],
      collect() {
        this.set(verifier.bytesPerSecond);
      },
    }),
    new Gauge({
      name: "saveos_verification_unreachable_repositories",
      help: "Repositories of which nothing could be read within the last ten minutes.",
      registers: [],
      collect() {
        this.set(verifier.unreachable.length);
      },
    }),
  ];
}

/** The same in every process: take one's, not their sum. */
function queuedTasks(queue: Pick<Queue, "counts">): Gauge<"task" | "state"> {
  return new Gauge({
    name: "saveos_queue_tasks",
    help: "The server's own tasks that are due and wait, are being done, or have failed for good.",
    labelNames: ["task", "state"],
    registers: [],
    async collect() {
      for (const { task, waiting, active, failed } of await queue.counts()) {
        this.set({ task, state: "waiting" }, waiting);
        this.set({ task, state: "active" }, active);
        this.set({ task, state: "failed" }, failed);
      }
    },
  });
}
