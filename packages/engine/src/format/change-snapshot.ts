import type { BlobId, ObjectId } from "./ids.ts";
import { JsonReader } from "./json-reader.ts";
import { jsonArray, jsonBytes, jsonString } from "./json-text.ts";
import { encodeSummary, type SnapshotSummary } from "./snapshot.ts";

/** What a snapshot is given in place of what it has. What is left out stays. */
export interface SnapshotChange {
  readonly tags?: readonly string[];
  readonly original?: ObjectId;
  readonly tree?: BlobId;
  readonly time?: string;
  readonly hostname?: string;
  readonly summary?: SnapshotSummary;
  /** It has none where it is going. */
  readonly parent?: "none";
}

/**
 * The JSON of a snapshot with these changes. Everything else stays as it stands there: other programs write keys that SaveOS does not
 * know, and may need them. Only what is `null` is left out, which says the same.
 */
export function changeSnapshot(json: Uint8Array, change: SnapshotChange): Uint8Array {
  const members = new Map<string, string>();
  const reader = new JsonReader(json, "Snapshot");
  reader.object((key) => members.set(key, reader.raw()));
  reader.end();
  const set = (key: string, value: string | undefined) => value !== undefined && members.set(key, value);
  set("time", change.time && jsonString(change.time));
  set("tree", change.tree && jsonString(change.tree));
  set("hostname", change.hostname && jsonString(change.hostname));
  set("tags", change.tags && jsonArray(change.tags.map(jsonString)));
  set("original", change.original && jsonString(change.original));
  set("summary", change.summary && encodeSummary(change.summary));
  if (change.tags?.length === 0) members.delete("tags");
  // Rustic has a list of them.
  if (change.parent === "none") for (const key of ["parent", "parents"]) members.delete(key);
  return jsonBytes(`{${[...members].map(([key, value]) => `${jsonString(key)}:${value}`).join(",")}}`);
}
