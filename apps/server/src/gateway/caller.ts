/** Who is asking. An agent may use one repository, its own, and another while a job has to do with it. */
export type GatewayCaller =
  | {
      readonly kind: "administrator";
      readonly tenantId: string;
      /** The API key that asks: a grant to delete is bound to it. A person who signed in has none. */
      readonly keyId?: string | undefined;
    }
  | { readonly kind: "agent"; readonly tenantId: string; readonly agentId: string; readonly repositoryId: string };

/** Whether the repository is the caller's to write to. An agent must not learn which other repositories there are. */
export function owns(caller: GatewayCaller, repositoryId: string): boolean {
  return caller.kind === "administrator" || caller.repositoryId === repositoryId;
}

/** The caller for logs. */
export function describeCaller(caller: GatewayCaller): { readonly agentId: string } | { readonly administrator: true } {
  return caller.kind === "agent" ? { agentId: caller.agentId } : { administrator: true };
}
