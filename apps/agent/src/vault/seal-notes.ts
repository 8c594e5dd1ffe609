import path from "node:path";
import { readStateFile, writeStateFile } from "../host/state-file.ts";

/** What has become of this machine's sealed password, for the daemon's next start and for `saveos-agent status`. */
export interface SealNotes {
  /** The recipient that the server has the password sealed to; undefined if it has none. */
  readonly sealedTo: string | undefined;
  /** RFC 3339. */
  readonly sealedAt: string | undefined;
  /** Why the vault that the server shows is not used; undefined if all is well. */
  readonly trouble: string | undefined;
}

export const nothingSealed: SealNotes = { sealedTo: undefined, sealedAt: undefined, trouble: undefined };

export async function readSealNotes(stateFolder: string): Promise<SealNotes> {
  return (await readStateFile(fileIn(stateFolder), parse)) ?? nothingSealed;
}

export async function writeSealNotes(stateFolder: string, { sealedTo, sealedAt, trouble }: SealNotes): Promise<void> {
  await writeStateFile(fileIn(stateFolder), { sealed_to: sealedTo, sealed_at: sealedAt, trouble });
}

function fileIn(stateFolder: string): string {
  return path.join(stateFolder, "vault.json");
}

function parse(value: unknown): SealNotes | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { sealed_to: sealedTo, sealed_at: sealedAt, trouble } = value as Record<string, unknown>;
  return { sealedTo: textOrNothing(sealedTo), sealedAt: textOrNothing(sealedAt), trouble: textOrNothing(trouble) };
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
