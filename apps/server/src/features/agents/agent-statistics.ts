import type { AgentStats } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { newestSnapshots, storageStats } from "../../gateway/index.ts";
import { countAgents } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** The numbers about all agents and what they stored, as they are now. */
export async function agentStatistics({ database, clock }: Deps): Promise<AgentStats> {
  const [newest, storage] = await Promise.all([newestSnapshots(database), storageStats(database)]);
  const agents = await countAgents(database, clock.now(), [...newest.keys()]);
  return { ...agents, snapshots: storage.snapshots, stored_bytes: storage.storedBytes };
}
