import type { Clock } from "../clock.ts";
import type { Databases } from "../database/databases.ts";
import { theServer } from "../features/audit/index.ts";
import { provisionAgent } from "../features/enrolment/provision-agent.ts";
import { registerAgent } from "../features/enrolment/register-agent.ts";
import { RememberingQueue } from "./remembering-queue.ts";

export interface EnrolledAgent {
  readonly tenantId: string;
  readonly agentId: string;
  readonly credential: string;
  readonly repositoryId: string;
  readonly machineId: string;
}

interface Deps {
  readonly databases: Databases;
  readonly tenantId: string;
  readonly clock: Clock;
}

/** A recipient that agents of tests have: what is sealed to it, nobody opens. */
export const testRecipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudfz4vxqmk4r7d";

/** An agent as any that has enrolled. */
export async function enrolAgent(
  { databases, tenantId, clock }: Deps,
  { hostname = "machine", tags = [], timeZone = "UTC" }: { hostname?: string; tags?: string[]; timeZone?: string } = {},
): Promise<EnrolledAgent> {
  const database = databases.ofTenant(tenantId);
  const wanted = { hostname, tags, expires_in_hours: 1 };
  const { token } = await provisionAgent({ database, clock }, theServer, wanted);
  const machineId = `machine-id-of-${hostname}`;
  const registered = await registerAgent({ databases, clock, queue: new RememberingQueue() }, theServer, {
    token,
    hostname,
    platform: "linux",
    agent_version: "0.1.0",
    machine_id: machineId,
    time_zone: timeZone,
    recipient: testRecipient,
  });
  return {
    tenantId,
    agentId: registered.agent_id,
    credential: registered.credential,
    repositoryId: registered.repository_id,
    machineId,
  };
}
