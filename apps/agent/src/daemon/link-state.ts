import path from "node:path";
import { readStateFile, writeStateFile } from "../host/state-file.ts";

/** How the daemon's line to the server is, for `saveos-agent status`. Times are RFC 3339. */
export interface LinkState {
  /** The last heartbeat that the server answered; undefined if none was, ever. */
  readonly heartbeatAt: string | undefined;
  /** Why the last one failed; undefined if it did not. */
  readonly failure: string | undefined;
}

export async function readLinkState(stateFolder: string): Promise<LinkState> {
  return (await readStateFile(fileIn(stateFolder), parseState)) ?? { heartbeatAt: undefined, failure: undefined };
}

export async function writeLinkState(stateFolder: string, { heartbeatAt, failure }: LinkState): Promise<void> {
  await writeStateFile(fileIn(stateFolder), { heartbeat_at: heartbeatAt, failure });
}

function fileIn(stateFolder: string): string {
  return path.join(stateFolder, "link.json");
}

function parseState(value: unknown): LinkState | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { heartbeat_at: heartbeatAt, failure } = value as Record<string, unknown>;
  return { heartbeatAt: textOrNothing(heartbeatAt), failure: textOrNothing(failure) };
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
