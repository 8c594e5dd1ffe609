import { inlineLane } from "../../compute/inline-lane.ts";
import type { Lane } from "../../compute/lane.ts";
import { wasmCutFinder } from "../../compute/wasm/cut-finder.ts";
import { openFileDraft } from "./file-draft.ts";
import { nodeFileReader } from "./file-reader.ts";
import { nodePrimitives } from "./primitives.ts";

/** A lane in this thread, on this machine's files. */
export function nodeLane(): Lane {
  return inlineLane({
    primitives: nodePrimitives,
    reader: nodeFileReader,
    openCutFinder: wasmCutFinder,
    openFileDraft,
  });
}
