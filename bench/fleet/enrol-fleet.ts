import { createHash, randomBytes } from "node:crypto";
import { registerResponse } from "@saveos/contract";
import { BenchError } from "../bench-error.ts";
import { progress } from "../screen.ts";
import type { Administrator } from "./administrator.ts";
import { type Door, Line } from "./line.ts";

/** A machine that has enrolled. */
export interface EnrolledMachine {
  readonly agentId: string;
  readonly credential: string;
  readonly hostname: string;
  readonly machineId: string;
}

/** As an administrator's script may do it: enough to keep the server busy. */
const enrolmentsAtOnce = 8;

/** What is sealed to it, nobody opens: the server only keeps it. */
const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudfz4vxqmk4r7d";

/** Enrols machines through the API, numbered `from` to `to`: each is provisioned by the administrator and registers itself. */
export async function enrolFleet(
  administrator: Administrator,
  door: Door,
  { from, to, tags = [] }: { readonly from: number; readonly to: number; readonly tags?: readonly string[] },
): Promise<EnrolledMachine[]> {
  const machines: EnrolledMachine[] = [];
  let next = from;
  const enrolNext = async () => {
    // One line for all: machines register once, and connections are not what is looked at here.
    using line = new Line(door);
    while (next < to) {
      const place = next;
      next += 1;
      machines.push(await enrol(administrator, line, `machine-${String(place).padStart(6, "0")}`, tags));
      progress(`enrolled ${machines.length} of ${to - from} machines`);
    }
  };
  await Promise.all(Array.from({ length: enrolmentsAtOnce }, enrolNext));
  return machines;
}

async function enrol(
  administrator: Administrator,
  line: Line,
  hostname: string,
  tags: readonly string[],
): Promise<EnrolledMachine> {
  const { enrolment } = await administrator.provision(hostname, tags);
  const machineId = createHash("sha256").update(randomBytes(32)).digest("hex");
  const body = {
    token: enrolment.token,
    hostname,
    platform: "linux",
    agent_version: "0.1.0",
    machine_id: machineId,
    time_zone: "UTC",
    recipient,
  };
  const answer = await line.send({ method: "POST", path: "/api/v1/agents/register", body });
  if (answer.status !== 201) {
    throw new BenchError(`A machine could not enrol: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  const { agent_id, credential } = registerResponse.parse(answer.body);
  return { agentId: agent_id, credential, hostname, machineId };
}
