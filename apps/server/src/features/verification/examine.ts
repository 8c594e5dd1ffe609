import type { FindingKind, FindingState } from "@saveos/contract";
import type { ClaimedObject } from "./claim-objects.ts";
import type { ReadingDeps } from "./deps.ts";
import { isRepositoryAlive } from "./is-repository-alive.ts";
import { type Reading, readStored } from "./read-stored.ts";

/** What is wrong with an object, and how sure that is. */
export interface Trouble {
  readonly what: FindingKind;
  readonly state: Extract<FindingState, "suspected" | "found">;
  readonly detail: string;
}

/** An object is right; it isn't; or nothing can be said about it, because nothing of its repository can be read. */
export type Verdict =
  | Extract<Reading, { outcome: "read" }>
  | { readonly outcome: "wrong"; readonly trouble: Trouble }
  | "unknown";

/** Whether an object's bytes are those that it was stored with. A config of which nobody kept the hash is believed. */
export function isRight(
  { sha256 }: Pick<ClaimedObject, "sha256">,
  reading: Reading,
): reading is Extract<Reading, { outcome: "read" }> {
  return reading.outcome === "read" && (sha256 === null || sha256 === reading.sha256);
}

/**
 * Looks closer at an object whose reading wasn't right. It is held against the object only if something else of the same repository can be read and is right: a
 * disk that isn't mounted or a bucket that is away must not look like thousands of damaged objects.
 */
export async function examine(deps: ReadingDeps, claimed: ClaimedObject, first: Reading): Promise<Verdict> {
  // Other bytes may have been a fault on the way from the disk or the bucket.
  const reading =
    first.outcome === "read"
      ? await readStored(deps.objects, claimed.repositoryId, claimed.object, deps.onRead)
      : first;
  if (isRight(claimed, reading)) return reading;
  if (!(await isRepositoryAlive(deps, claimed))) return "unknown";
  return { outcome: "wrong", trouble: troubleOf(claimed, reading) };
}

function troubleOf({ sizeBytes }: ClaimedObject, reading: Reading): Trouble {
  switch (reading.outcome) {
    case "gone":
      return { what: "missing", state: "found", detail: "The storage doesn't have it, and nobody deleted it." };
    case "failed":
      return { what: "unreadable", state: "suspected", detail: `It could not be read: ${reading.reason}.` };
    case "read":
      return reading.sizeBytes === sizeBytes
        ? { what: "damaged", state: "found", detail: `Its bytes have the SHA-256 ${reading.sha256}.` }
        : {
            what: "damaged",
            state: "found",
            detail: `It has ${reading.sizeBytes} bytes instead of ${sizeBytes}, and their SHA-256 is ${reading.sha256}.`,
          };
  }
}
