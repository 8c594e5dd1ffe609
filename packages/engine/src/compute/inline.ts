import type { Primitives } from "../crypto/primitives.ts";
import type { Compute } from "./compute.ts";

/** Does every step in this thread, one after the other. */
export function inlineCompute(primitives: Primitives): Compute {
  return { lanes: [], primitives };
}
