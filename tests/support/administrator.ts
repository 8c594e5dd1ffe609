import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Agent,
  agent as agentSchema,
  type BackupRequest,
  type Enrolment,
  grantList,
  isFinal,
  type Job,
  job as jobSchema,
  jobAccepted,
  provisionResponse,
  type ProvisionRequest,
  registerResponse,
  type RegisterResponse,
  type Snapshot,
  snapshotList,
  undelete,
} from "@saveos/contract";
import { type Answer, send } from "../../apps/server/src/testing/api-client.ts";
import { testRecipient } from "../../apps/server/src/testing/enrol-agent.ts";

/** An administrator at the server's API. Every method that is not an attempt must succeed. */
export interface Administrator {
  provision(request?: Partial<ProvisionRequest>): Promise<{ agentId: string; enrolment: Enrolment }>;
  /** Sends a register request as an agent does, whatever comes of it. */
  attemptRegister(token: string): Promise<Answer>;
  /** Provisions and registers an agent without its program: for its credential. */
  enrol(request?: Partial<ProvisionRequest>): Promise<RegisterResponse>;
  agent(agentId: string): Promise<Agent>;
  revoke(agentId: string): Promise<void>;
  snapshots(agentId: string): Promise<Snapshot[]>;
  /** Lets the administrator's key delete something of a repository: the named snapshots, what no snapshot needs, or keys. */
  letDelete(repositoryId: string, kind: "prune" | "keys" | { readonly forget: readonly string[] }): Promise<void>;
  /** Brings a deleted snapshot back, and waits until it is. While the key may delete, its grants are ended first. */
  undelete(repositoryId: string, snapshotId: string): Promise<void>;
  /** Resolves with the job's id. */
  orderBackup(request: BackupRequest): Promise<string>;
  job(jobId: string): Promise<Job>;
  /** Waits until the job has this state or has ended. */
  untilJob(jobId: string, state?: Job["state"]): Promise<Job>;
}

const askAgainMs = 20;

export function administratorOf({ server, apiKey }: { server: { httpUrl: string }; apiKey: string }): Administrator {
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await send(server.httpUrl, method, path, {
      credential: apiKey,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status >= 300)
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const administrator: Administrator = {
    provision: async (request = {}) => {
      const answer = await call("POST", "/api/v1/agents/provision", { hostname: hostname(), ...request });
      const { agent_id, enrolment } = provisionResponse.parse(answer);
      return { agentId: agent_id, enrolment };
    },
    attemptRegister: async (token) =>
      await send(server.httpUrl, "POST", "/api/v1/agents/register", {
        body: {
          token,
          hostname: hostname(),
          platform: "linux",
          agent_version: "0.1.0",
          machine_id: "a test",
          time_zone: "UTC",
          recipient: testRecipient,
        },
      }),
    enrol: async (request) => {
      const { enrolment } = await administrator.provision(request);
      return registerResponse.parse((await administrator.attemptRegister(enrolment.token)).body);
    },
    agent: async (agentId) => agentSchema.parse(await call("GET", `/api/v1/agents/${agentId}`)),
    revoke: async (agentId) => void (await call("POST", `/api/v1/agents/${agentId}/revoke`)),
    snapshots: async (agentId) =>
      snapshotList.parse(await call("GET", `/api/v1/backup/${agentId}/snapshots`)).snapshots,
    letDelete: async (repositoryId, kind) => {
      const what = typeof kind === "string" ? { kind } : { kind: "forget", snapshot_ids: kind.forget };
      await call("POST", `/api/v1/repositories/${repositoryId}/grants`, { ...what, max_delete_percent: 100 });
    },
    undelete: async (repositoryId, snapshotId) => {
      const { grants } = grantList.parse(await call("GET", `/api/v1/repositories/${repositoryId}/grants`));
      for (const { id, ended_at } of grants) if (ended_at === null) await call("DELETE", `/api/v1/grants/${id}`);
      const asked = await call("POST", `/api/v1/repositories/${repositoryId}/undelete`, { snapshot_id: snapshotId });
      const { id } = undelete.parse(asked);
      while (undelete.parse(await call("GET", `/api/v1/undeletes/${id}`)).state === "running") await sleep(askAgainMs);
    },
    orderBackup: async (request) => jobAccepted.parse(await call("POST", "/api/v1/backup", request)).job_id,
    job: async (jobId) => jobSchema.parse(await call("GET", `/api/v1/jobs/${jobId}`)),
    untilJob: async (jobId, state) => {
      for (;;) {
        const job = await administrator.job(jobId);
        if (job.state === state || isFinal(job.state)) return job;
        await sleep(askAgainMs);
      }
    },
  };
  return administrator;
}
