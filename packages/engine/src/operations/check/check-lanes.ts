import type { IndexedPack } from "../../blob-index/blob-index.ts";
import type { Lane } from "../../compute/lane.ts";
import { LanePlaces } from "../../compute/lane-places.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { wholeBuffer } from "../../flow/whole-buffer.ts";
import { objectName } from "../../format/object-name.ts";
import type { Repository } from "../../repository/repository.ts";

/** A lane that looks at one pack may have the next one with it. */
const packsPerLane = 2;

/** Looks through packs by lanes. */
export class CheckLanes implements AsyncDisposable {
  readonly #repository: Repository;
  readonly #lanes: readonly Lane[];
  readonly #places: LanePlaces;

  constructor(repository: Repository, lanes: readonly Lane[]) {
    this.#repository = repository;
    this.#lanes = lanes;
    this.#places = new LanePlaces(lanes, packsPerLane);
  }

  get count(): number {
    return this.#lanes.length;
  }

  /** Reads a pack and tells whether all of it is right. A lane reads a file on this machine by itself: nothing is handed over. */
  async isSound({ pack: id, header, sizeBytes }: IndexedPack, options: Abortable): Promise<boolean> {
    if (!header) return false;
    const { store } = this.#repository;
    const name = objectName("data", id);
    options.signal?.throwIfAborted();
    try {
      const content = store.localFiles?.pathOf(name) ?? wholeBuffer(await store.get(name, options));
      return await this.#places.use((lane) => lane.checkPack({ id, sizeBytes, header, content }));
    } catch (error) {
      // Of what a lane can't read, the store says why.
      if (isEngineError(error, "corrupt-data", "not-found", "source-unreadable")) return false;
      throw error;
    }
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
