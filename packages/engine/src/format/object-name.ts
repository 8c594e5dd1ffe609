import type { ObjectId } from "./ids.ts";

/** The kinds of objects that are named by their hash; `data` objects are packs. The sixth kind, `config`, has one object and no hash. */
export const objectKinds = ["data", "index", "keys", "locks", "snapshots"] as const;

export type ObjectKind = (typeof objectKinds)[number];

/** An object's name in REST form, without shard folders: `config`, or `data/<64 hex>`. */
export type ObjectName = "config" | `${ObjectKind}/${ObjectId}`;

export function objectName(kind: ObjectKind, id: ObjectId): ObjectName {
  return `${kind}/${id}`;
}
