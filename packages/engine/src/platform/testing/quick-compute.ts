import type { Compute } from "../../compute/compute.ts";
import { inlineCompute } from "../../compute/inline.ts";
import { nodePrimitives } from "../node/primitives.ts";

/** Node's algorithms with a key derivation that costs nothing: for tests that make many repositories. Never for real ones. */
export const quickCompute: Compute = inlineCompute({
  ...nodePrimitives,
  scrypt: (password, salt, cost, lengthBytes) =>
    nodePrimitives.scrypt(password, salt, { ...cost, N: Math.min(cost.N, quickN), p: 1 }, lengthBytes),
});

const quickN = 16;
