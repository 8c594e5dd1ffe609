import { isAtLeast, type Permission, type Role } from "@saveos/contract";
import { leastRole } from "./policies/index.ts";

/** Who asks. */
export type Caller = UserCaller | KeyCaller | AgentCaller;

/** A person, or a program with a key: what they may do goes by a role in one tenant. */
export type Operator = UserCaller | KeyCaller;

export interface UserCaller {
  readonly kind: "user";
  readonly tenantId: string;
  readonly role: Role;
  readonly userId: string;
  readonly name: string;
  readonly sessionId: string;
}

export interface KeyCaller {
  readonly kind: "api-key";
  readonly tenantId: string;
  readonly role: Role;
  readonly keyId: string;
  readonly name: string;
  /** What the key is cut down to; nothing: all that its role may. */
  readonly scopes: readonly Permission[] | undefined;
}

export interface AgentCaller {
  readonly kind: "agent";
  readonly tenantId: string;
  readonly agentId: string;
  readonly name: string;
  readonly credentialId: string;
  readonly credentialCreatedAt: Date;
  readonly repositoryId: string;
}

/** Whether who asks may do this. Agents may do nothing that goes by a role: their own routes are theirs alone. */
export function may(caller: Caller, permission: Permission): caller is Operator {
  if (caller.kind === "agent" || !isAtLeast(caller.role, leastRole[permission])) return false;
  return caller.kind === "user" || caller.scopes === undefined || caller.scopes.includes(permission);
}

/** Who asks, as one text: the same for the same caller, another for each other. */
export function callerId(caller: Caller): string {
  if (caller.kind === "user") return `user:${caller.userId}`;
  return caller.kind === "agent" ? `agent:${caller.agentId}` : `api-key:${caller.keyId}`;
}
