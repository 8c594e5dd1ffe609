import type { EntryMetadata } from "./file-target.ts";
import { GrowingColumn } from "./growing-column.ts";

/**
 * The metadata of many entries of one type in 28 bytes each, so that it can be set as soon as an entry is complete, without reading its tree again.
 * Attributes and the names of owners are not kept: whoever has or needs any waits for its tree (`finish-entries.ts`).
 */
export class PlannedMetadata {
  readonly #type: EntryMetadata["type"];
  readonly #modes = new GrowingColumn(Uint32Array);
  readonly #uids = new GrowingColumn(Uint32Array);
  readonly #gids = new GrowingColumn(Uint32Array);
  readonly #atimesNs = new GrowingColumn(BigInt64Array);
  readonly #mtimesNs = new GrowingColumn(BigInt64Array);

  constructor(type: EntryMetadata["type"]) {
    this.#type = type;
  }

  push({ mode, uid, gid, atimeNs, mtimeNs }: EntryMetadata): void {
    this.#modes.push(mode);
    this.#uids.push(uid);
    this.#gids.push(gid);
    this.#atimesNs.push(atimeNs);
    this.#mtimesNs.push(mtimeNs);
  }

  at(position: number): EntryMetadata {
    return {
      type: this.#type,
      mode: this.#modes.at(position),
      uid: this.#uids.at(position),
      gid: this.#gids.at(position),
      atimeNs: this.#atimesNs.at(position),
      mtimeNs: this.#mtimesNs.at(position),
      user: "",
      group: "",
      extendedAttributes: [],
      genericAttributes: noAttributes,
    };
  }
}

const noAttributes: ReadonlyMap<string, string> = new Map();

/** Whether the times fit 64 bits. A tree may hold others: Go's own zero is the year 1. */
export function isPlannable({ atimeNs, mtimeNs }: EntryMetadata): boolean {
  return isInt64(atimeNs) && isInt64(mtimeNs);
}

function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}
