import type { ObjectId } from "../format/ids.ts";
import type { ObjectKind } from "../format/object-name.ts";
import type { HashedName } from "./layout.ts";
import type { ByteRange } from "./object-store.ts";

/**
 * Copies of stored objects, sealed as they are, kept near. Nobody trusts them: contents are checked against their name before use, and
 * losing them costs only time. Any method may reject; the caller then goes on without.
 */
export interface ObjectCache {
  /** Undefined if it is not there, or ends before `range` does. */
  get(name: HashedName, range?: ByteRange): Promise<Uint8Array | undefined>;
  put(name: HashedName, bytes: Uint8Array): Promise<void>;
  list(kind: ObjectKind): AsyncIterable<ObjectId>;
  /** Deleting what is not there is fine. */
  delete(name: HashedName): Promise<void>;
}
