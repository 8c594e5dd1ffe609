import type { Kysely } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/schema.ts";
import { provisionAgent } from "../features/enrolment/provision-agent.ts";
import { registerAgent } from "../features/enrolment/register-agent.ts";

export interface EnrolledAgent {
  readonly agentId: string;
  readonly credential: string;
  readonly repositoryId: string;
  readonly machineId: string;
}

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** An agent that has enrolled as any does. */
export async function enrolAgent(deps: Deps, hostname = "machine"): Promise<EnrolledAgent> {
  const { token } = await provisionAgent(deps, { hostname, tags: [], expires_in_hours: 1 });
  const machineId = `machine-id-of-${hostname}`;
  const registered = await registerAgent(deps, {
    token,
    hostname,
    platform: "linux",
    agent_version: "0.1.0",
    machine_id: machineId,
  });
  return {
    agentId: registered.agent_id,
    credential: registered.credential,
    repositoryId: registered.repository_id,
    machineId,
  };
}
