import { jobState } from "@saveos/contract";
import type { FastifyInstance } from "fastify";
import type { Kysely } from "kysely";
import { collectDefaultMetrics, Counter, Gauge, type GaugeConfiguration, Histogram, Registry } from "prom-client";
import type { AgentLink } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { storageStats } from "../../gateway/index.ts";
import { version } from "../../version.ts";
import { agentStatistics } from "../agents/index.ts";
import { countByState } from "../jobs/index.ts";

/** What the server measures about itself. What it counts about agents, jobs and storage is asked of the database at each reading. */
export interface Metrics {
  /** Prometheus' text format. */
  read(): Promise<string>;
  readonly contentType: string;
  /** Measures the requests of an app. */
  observe(app: FastifyInstance): void;
  readonly countRefusedAttempt: () => void;
  readonly countIdentityConflict: () => void;
}

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly link: AgentLink;
}

export function createMetrics(deps: Deps): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({ name: "saveos_info", help: "The version that runs.", labelNames: ["version"], registers }).set(
    { version },
    1,
  );
  addGauges(deps, registry);
  const requests = new Histogram({
    name: "saveos_http_request_duration_seconds",
    help: "Time from a request's head to its answer's end. Heartbeats wait up to 30 s by design.",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 35, 120],
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
    read: async () => await registry.metrics(),
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

/** The numbers that the database holds. Every process reports the same ones: take one's, not their sum. */
function addGauges({ database, clock, link }: Deps, registry: Registry): void {
  const add = <Label extends string>(gauge: GaugeConfiguration<Label>) =>
    registry.registerMetric(new Gauge({ ...gauge, registers: [] }));
  add({
    name: "saveos_agents",
    help: "Agents by state.",
    labelNames: ["state"],
    async collect() {
      const { provisioned, online, offline, revoked } = await agentStatistics({ database, clock });
      const counts = { provisioned, online, offline, revoked };
      for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
    },
  });
  add({
    name: "saveos_jobs",
    help: "Jobs by state.",
    labelNames: ["state"],
    async collect() {
      const counts = await countByState(database);
      for (const state of jobState.options) this.set({ state }, counts.get(state) ?? 0);
    },
  });
  const storage = {
    saveos_stored_bytes: ["Bytes of all objects stored.", "storedBytes"],
    saveos_stored_objects: ["Objects stored.", "objects"],
    saveos_snapshots: ["Snapshots stored.", "snapshots"],
    saveos_lost_objects: ["Objects that are gone though nobody deleted them.", "lostObjects"],
  } as const;
  for (const [name, [help, field]] of Object.entries(storage)) {
    add({
      name,
      help,
      async collect() {
        this.set((await storageStats(database))[field]);
      },
    });
  }
  add({
    name: "saveos_waiting_agents",
    help: "Heartbeats that wait for an order in this process.",
    collect() {
      this.set(link.waiting);
    },
  });
}
