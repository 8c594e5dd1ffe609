import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { heartbeatResponse, type Order, provisionResponse, registerResponse, type Report } from "@saveos/contract";
import { type Answer, send } from "../../apps/server/src/testing/api-client.ts";
import { testRecipient } from "../../apps/server/src/testing/enrol-agent.ts";

/** An agent that speaks to the server as a real one does and only pretends to work: for stories with many of them. */
export interface SimulatedAgent extends AsyncDisposable {
  readonly agentId: string;
  /** How often it has begun each job. */
  readonly begun: ReadonlyMap<string, number>;
}

interface Options {
  readonly url: string;
  readonly apiKey: string;
  readonly hostname: string;
  /** Resolves when the pretended work of a job is done. */
  readonly work: (order: Order) => Promise<void>;
}

/** Soon enough for a test; a real agent waits longer. */
const tryAgainMs = 50;

/** Enrols an agent and lets it serve until it is disposed of, through whatever happens to the server. */
export async function simulateAgent({ url, apiKey, hostname, work }: Options): Promise<SimulatedAgent> {
  const provisioned = await send(url, "POST", "/api/v1/agents/provision", { credential: apiKey, body: { hostname } });
  const { token } = provisionResponse.parse(provisioned.body).enrolment;
  const facts = { hostname, agent_version: "0.1.0", machine_id: hostname, time_zone: "UTC" };
  const answer = await send(url, "POST", "/api/v1/agents/register", {
    body: { ...facts, token, platform: "linux", recipient: testRecipient },
  });
  const { agent_id: agentId, credential } = registerResponse.parse(answer.body);

  const begun = new Map<string, number>();
  const known = new Set<string>();
  const running = new Set<string>();
  const stopping = new AbortController();
  const session_id = randomUUID();

  const post = async (path: string, body: object): Promise<Answer> => {
    for (;;) {
      const sent = await send(url, "POST", path, { credential, body }).catch(() => undefined);
      if (sent !== undefined && sent.status < 500) return sent;
      if (stopping.signal.aborted) throw new Error("stopped");
      await pause(tryAgainMs);
    }
  };
  const run = async (order: Order) => {
    let sequence = 0;
    const report = async (about: object) => {
      const one = { ...about, job_id: order.job_id, sequence: sequence++, at: new Date().toISOString() } as Report;
      await post("/api/v1/agents/reports", { reports: [one] });
    };
    running.add(order.job_id);
    begun.set(order.job_id, (begun.get(order.job_id) ?? 0) + 1);
    await report({ kind: "started" });
    await report({ kind: "progress", progress: { files_done: 1, bytes_done: 1000 } });
    await work(order);
    await report({ kind: "finished", outcome: "completed" });
    running.delete(order.job_id);
  };
  const serve = async () => {
    const runs: Promise<void>[] = [];
    while (!stopping.signal.aborted) {
      const beat = await post("/api/v1/agents/heartbeat", {
        ...facts,
        session_id,
        running_jobs: [...running],
        wait_seconds: 1,
      });
      for (const order of heartbeatResponse.parse(beat.body).orders) {
        if (known.has(order.job_id)) continue;
        known.add(order.job_id);
        runs.push(run(order));
      }
    }
    await Promise.all(runs);
  };
  const served = serve().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    agentId,
    begun,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await served;
    },
  };
}
