import type { FastifyRequest } from "fastify";
import type { GatewayCaller } from "../gateway/index.ts";
import { type Access, requireMay } from "./access.ts";

/** Tells the gateway who is asking: agents, and who may use repositories with restic. Rejects with 403 anybody else who is known. */
export function gatewayCallers({ authorize }: Access): (request: FastifyRequest) => Promise<GatewayCaller | undefined> {
  return async (request) => {
    const caller = await authorize(request);
    if (caller === undefined) return undefined;
    const { tenantId } = caller;
    if (caller.kind === "agent") {
      return { kind: "agent", tenantId, agentId: caller.agentId, repositoryId: caller.repositoryId };
    }
    requireMay(caller, "repositories:use");
    return { kind: "administrator", tenantId, keyId: caller.kind === "api-key" ? caller.keyId : undefined };
  };
}
