/** Who is asking. An agent may use one repository: its own. */
export type GatewayCaller =
  | { readonly kind: "administrator" }
  | { readonly kind: "agent"; readonly agentId: string; readonly repositoryId: string };

/** An agent must not learn which other repositories there are. */
export function maySee(caller: GatewayCaller, repositoryId: string): boolean {
  return caller.kind === "administrator" || caller.repositoryId === repositoryId;
}

/** The caller for logs. */
export function describeCaller(caller: GatewayCaller): { readonly agentId: string } | { readonly administrator: true } {
  return caller.kind === "agent" ? { agentId: caller.agentId } : { administrator: true };
}
