/** Who asks. */
export type Caller = Administrator | AgentCaller;

export interface Administrator {
  readonly kind: "administrator";
  readonly keyId: string;
}

export interface AgentCaller {
  readonly kind: "agent";
  readonly agentId: string;
  readonly credentialId: string;
  readonly repositoryId: string;
}
