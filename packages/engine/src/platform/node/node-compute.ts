import { availableParallelism } from "node:os";
import type { Compute } from "../../compute/compute.ts";
import { openFileDraft } from "./file-draft.ts";
import { nodeLane } from "./node-lane.ts";
import { nodePrimitives } from "./primitives.ts";
import { workerLane } from "./worker-lane.ts";

/** More threads than this only wait for the disk, and each has some 40 MB. */
const maxWorkers = 8;

/**
 * Node's algorithms, with a worker thread for each core; with one core, or `workers` 0, all is done in this thread. Threads start when there is
 * work for them, and end with the operation that they worked for.
 */
export function nodeCompute({ workers = defaultWorkers() }: { readonly workers?: number } = {}): Compute {
  return {
    primitives: nodePrimitives,
    openFileDraft,
    lanes: workers === 0 ? [nodeLane()] : Array.from({ length: workers }, workerLane),
  };
}

function defaultWorkers(): number {
  const cores = availableParallelism();
  return cores === 1 ? 0 : Math.min(cores, maxWorkers);
}
