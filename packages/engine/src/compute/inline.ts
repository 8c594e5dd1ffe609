import { blobIdOf, openBlob, sealBlob } from "../blob/seal-blob.ts";
import type { Primitives } from "../crypto/primitives.ts";
import type { Compute } from "./compute.ts";

/** Does every step in this thread, at once, one after the other. */
export function inlineCompute(primitives: Primitives): Compute {
  // Async functions turn what is thrown into rejections, as the port promises.
  return {
    lanes: [],
    primitives,
    blobId: async (plain) => blobIdOf(primitives, plain),
    sealBlob: async (key, plain, compression) => sealBlob(primitives, key, plain, compression),
    openBlob: async (key, blob, id) => openBlob(primitives, key, blob, id),
  };
}
