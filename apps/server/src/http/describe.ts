/** The parts of the API, as `/docs` lists them. */
export const apiParts = {
  agents: "The machines that SaveOS backs up.",
  backups: "Ask for backups, see what there is.",
  jobs: "What was asked of agents and what came of it.",
  "agent link": "What agents and the server say to each other. Agents do this by themselves.",
  monitoring: "For people and programs that watch over the server.",
} as const;

/** Who may use a route, as `/docs` says it. The route's first hook enforces it; a test compares the two. */
export const securityOf = {
  administrator: [{ api_key: [] }],
  agent: [{ agent_credential: [] }],
  "administrator or agent": [{ api_key: [] }, { agent_credential: [] }],
  anyone: [],
} as const;

/** The words about a route for `/docs`. */
export function describe(
  part: keyof typeof apiParts,
  forWhom: keyof typeof securityOf,
  summary: string,
  description: string,
) {
  return { tags: [part], summary, description, security: [...securityOf[forWhom]] };
}
