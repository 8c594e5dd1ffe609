import type { Lane } from "./lane.ts";
import { invariant } from "../errors/invariant.ts";

interface Place {
  readonly lane: Lane;
  readonly slot: number;
}

/** Hands out the slots of lanes, one task a slot, first come first served; of free slots one of the lane that has least to do. */
export class LanePlaces {
  readonly #free: Map<Lane, number[]>;
  readonly #queue: ((place: Place) => void)[] = [];
  #waitingForRoom: (() => void)[] = [];

  constructor(lanes: readonly Lane[], slots: number) {
    this.#free = new Map(lanes.map((lane) => [lane, Array.from({ length: slots }, (_, slot) => slot)]));
  }

  /** Tasks that have no place yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  async use<Result>(task: (lane: Lane, slot: number) => Promise<Result>): Promise<Result> {
    const place = this.#take() ?? (await new Promise<Place>((resolve) => this.#queue.push(resolve)));
    try {
      return await task(place.lane, place.slot);
    } finally {
      this.#giveBack(place);
    }
  }

  /** Resolves when no task waits. */
  async untilRoom(): Promise<void> {
    if (this.#queue.length === 0) return;
    await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
  }

  #take(): Place | undefined {
    const [lane, slots] = [...this.#free].reduce((best, other) => (other[1].length > best[1].length ? other : best));
    const slot = slots.pop();
    return slot === undefined ? undefined : { lane, slot };
  }

  #giveBack(place: Place): void {
    const next = this.#queue.shift();
    if (next) next(place);
    else {
      const slots = this.#free.get(place.lane);
      invariant(slots !== undefined, "a place is given back to its lane");
      slots.push(place.slot);
    }
    if (this.#queue.length > 0) return;
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
  }
}
