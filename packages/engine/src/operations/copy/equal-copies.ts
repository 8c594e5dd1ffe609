import type { ObjectId } from "../../format/ids.ts";
import type { Snapshot, StoredSnapshot } from "../../format/snapshot.ts";
import { parseTime } from "../../format/time.ts";

/** The snapshots of a destination, to find out what of a source it has already. */
export class EqualCopies {
  readonly #byOrigin = new Map<ObjectId, StoredSnapshot[]>();

  constructor(snapshots: readonly StoredSnapshot[]) {
    for (const snapshot of snapshots)
      for (const origin of new Set([snapshot.id, originOf(snapshot)])) {
        const equals = this.#byOrigin.get(origin);
        if (equals) equals.push(snapshot);
        else this.#byOrigin.set(origin, [snapshot]);
      }
  }

  /** The one that has the same origin as this snapshot of the source, and says the same. */
  find(snapshot: StoredSnapshot): StoredSnapshot | undefined {
    return this.#byOrigin.get(originOf(snapshot))?.find((copy) => sayTheSame(copy, snapshot));
  }
}

/** The snapshot that was made by a backup; `original` leads to it through copies and changes. */
export function originOf({ original, id }: StoredSnapshot): ObjectId {
  return original ?? id;
}

/** Everything but the parent, the origin and what the writing program tells about itself. */
function sayTheSame(a: Snapshot, b: Snapshot): boolean {
  return (
    parseTime(a.time) === parseTime(b.time) &&
    a.tree === b.tree &&
    a.hostname === b.hostname &&
    a.username === b.username &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    areEqualSets(a.paths, b.paths) &&
    areEqualSets(a.tags, b.tags) &&
    a.excludes.length === b.excludes.length &&
    a.excludes.every((exclude, at) => exclude === b.excludes[at])
  );
}

function areEqualSets(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && b.every((each) => a.includes(each));
}
