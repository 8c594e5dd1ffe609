import type { Lane } from "../../compute/lane.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { objectName } from "../../format/object-name.ts";
import type { Repository } from "../../repository/repository.ts";
import type { IndexedPack } from "./check-packs.ts";

/** Looks through packs by lanes, the one with the least to do first. */
export class CheckLanes implements AsyncDisposable {
  readonly #repository: Repository;
  /** With how many packs each has. */
  readonly #lanes: Map<Lane, number>;

  constructor(repository: Repository, lanes: readonly Lane[]) {
    this.#repository = repository;
    this.#lanes = new Map(lanes.map((lane) => [lane, 0]));
  }

  get count(): number {
    return this.#lanes.size;
  }

  /** Reads a pack and tells whether all of it is right. */
  async isSound({ pack: id, blobs }: IndexedPack, options: Abortable): Promise<boolean> {
    try {
      const bytes = await this.#repository.store.get(objectName("data", id), options);
      return await this.#use((lane) => lane.isSoundPack({ id, bytes, blobs }));
    } catch (error) {
      if (isEngineError(error, "corrupt-data", "not-found")) return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#lanes.keys()].map((lane) => lane.close()));
  }

  async #use<Result>(task: (lane: Lane) => Promise<Result>): Promise<Result> {
    const [lane] = [...this.#lanes].reduce((least, other) => (other[1] < least[1] ? other : least));
    this.#lanes.set(lane, (this.#lanes.get(lane) ?? 0) + 1);
    try {
      return await task(lane);
    } finally {
      this.#lanes.set(lane, (this.#lanes.get(lane) ?? 0) - 1);
    }
  }
}

/** Undefined where there are no lanes. */
export async function checkLanes(repository: Repository): Promise<CheckLanes | undefined> {
  const { compute, masterKey, config } = repository;
  if (compute.lanes.length === 0) return undefined;
  await Promise.all(compute.lanes.map((lane) => lane.openCheck({ masterKey, version: config.version })));
  return new CheckLanes(repository, compute.lanes);
}
