import type { Permission } from "@saveos/contract";

/** The parts of the API, as `/docs` lists them. */
export const apiParts = {
  agents: "The machines that SaveOS backs up.",
  plans: "What is backed up, when, and how long it is kept.",
  jobs: "What was asked of agents and what came of it.",
  snapshots: "What was backed up. The server can't read it.",
  repositories: "Where backups are stored, and how much they take.",
  vault: "Keys that the server can't use: what agents seal, and who can open it.",
  verification: "Whether what is stored is still what was stored.",
  team: "People, their sessions and roles, API keys, and who did what.",
  "agent link": "What agents and the server say to each other. Agents do this by themselves.",
  monitoring: "For people and programs that watch over the server.",
} as const;

/** Who may use a route. Its first hook enforces it; the access tests compare the two. */
export type ForWhom = "anyone" | "person" | "agent" | Permission | `${Permission} or agent`;

const bySession = { session: [] };
const byKey = { api_key: [] };
const byAgent = { agent_credential: [] };

function securityOf(forWhom: ForWhom): Record<string, never[]>[] {
  if (forWhom === "anyone") return [];
  if (forWhom === "person") return [bySession];
  if (forWhom === "agent") return [byAgent];
  return forWhom.endsWith(" or agent") ? [bySession, byKey, byAgent] : [bySession, byKey];
}

/** The words about a route for `/docs`. Idempotency keys work wherever a resource is made. */
export function describe(part: keyof typeof apiParts, forWhom: ForWhom, summary: string, description: string) {
  const words = { tags: [part], summary, description, security: securityOf(forWhom) };
  return { ...words, "x-for-whom": forWhom };
}
