import type { IndexedPack } from "../../blob-index/blob-index.ts";
import type { Lane } from "../../compute/lane.ts";
import { LanePlaces } from "../../compute/lane-places.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { free } from "../../flow/free.ts";
import { wholeBuffer } from "../../flow/whole-buffer.ts";
import { objectName } from "../../format/object-name.ts";
import { packSizeLimits } from "../../pack/pack-builder.ts";
import type { Repository } from "../../repository/repository.ts";

/** A lane that looks at one pack may have the next one with it. */
const packsPerLane = 2;

/**
 * A pack of the usual size, whose last blob is a small one. More would cost nothing by itself, but V8 counts it, and collects garbage each time that some
 * 64 MB came to a thread: with three times 24 MiB the check of a source tree took 8 % longer.
 */
const usualPackBytes = 17 * 1024 * 1024;

/** Looks through packs by lanes. */
export class CheckLanes implements AsyncDisposable {
  readonly #repository: Repository;
  readonly #lanes: readonly Lane[];
  readonly #places: LanePlaces;
  /** Memory of packs that were looked at: fresh memory takes the system half as long again as reading a pack does. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  constructor(repository: Repository, lanes: readonly Lane[]) {
    this.#repository = repository;
    this.#lanes = lanes;
    this.#places = new LanePlaces(lanes, packsPerLane);
  }

  get count(): number {
    return this.#lanes.length;
  }

  /** Reads a pack and tells whether all of it is right. */
  async isSound({ pack: id, header, sizeBytes }: IndexedPack, options: Abortable): Promise<boolean> {
    if (!header) return false;
    try {
      const room = this.#roomFor(sizeBytes);
      const read = await this.#repository.store.get(objectName("data", id), { ...options, room });
      const usedRoom = room?.buffer === read.buffer ? room : undefined;
      // A store that has memory of its own leaves the room as it was.
      if (room && !usedRoom) this.#spare.push(room);
      const bytes = usedRoom?.subarray(0, read.length) ?? wholeBuffer(read);
      const { isSound, memory } = await this.#places.use((lane) => lane.checkPack({ id, bytes, header }));
      if (usedRoom) this.#spare.push(new Uint8Array(memory));
      else free(new Uint8Array(memory));
      return isSound;
    } catch (error) {
      if (isEngineError(error, "corrupt-data", "not-found")) return false;
      throw error;
    }
  }

  /** Undefined for a pack that is larger than any can be. */
  #roomFor(sizeBytes: number): Uint8Array<ArrayBuffer> | undefined {
    if (sizeBytes > packSizeLimits.maxBytes + usualPackBytes) return undefined;
    const spare = this.#spare.pop();
    if (spare && spare.length >= sizeBytes) return spare;
    if (spare) free(spare);
    return new Uint8Array(Math.max(sizeBytes, usualPackBytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }
}

/** Undefined where there are no lanes. */
export async function checkLanes(repository: Repository): Promise<CheckLanes | undefined> {
  const { compute, masterKey, config } = repository;
  if (compute.lanes.length === 0) return undefined;
  await Promise.all(compute.lanes.map((lane) => lane.openCheck({ masterKey, version: config.version })));
  return new CheckLanes(repository, compute.lanes);
}
