import type { ObjectId } from "./ids.ts";
import { JsonReader } from "./json-reader.ts";
import { jsonArray, jsonBytes, jsonString } from "./json-text.ts";

/** What a snapshot is given in place of what it has. */
export interface SnapshotChange {
  readonly tags: readonly string[];
  readonly original: ObjectId;
}

/**
 * The JSON of a snapshot with other tags and another `original`. Everything else stays as it stands there: other programs write keys that SaveOS does not
 * know, and may need them. Only what is `null` is left out, which says the same.
 */
export function changeSnapshot(json: Uint8Array, { tags, original }: SnapshotChange): Uint8Array {
  const members = new Map<string, string>();
  const reader = new JsonReader(json, "Snapshot");
  reader.object((key) => members.set(key, reader.raw()));
  reader.end();
  if (tags.length === 0) members.delete("tags");
  else members.set("tags", jsonArray(tags.map(jsonString)));
  members.set("original", jsonString(original));
  return jsonBytes(`{${[...members].map(([key, value]) => `${jsonString(key)}:${value}`).join(",")}}`);
}
