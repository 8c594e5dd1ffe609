import { inlineLane } from "../../compute/inline-lane.ts";
import type { PackToCheck } from "../../compute/sound-pack.ts";
import { wasmCutFinder } from "../../compute/wasm/cut-finder.ts";
import { free } from "../../flow/free.ts";
import { answerMessages } from "./answer-messages.ts";
import { nodeFileReader } from "./file-reader.ts";
import { buffersOfResult, type LaneCall } from "./lane-messages.ts";
import { nodePrimitives } from "./primitives.ts";

/* The entry of a worker thread: a lane whose methods are called by messages. */

const lane = inlineLane({ primitives: nodePrimitives, reader: nodeFileReader, openCutFinder: wasmCutFinder });

answerMessages(async (question) => {
  const { method, args } = question as LaneCall;
  try {
    const run = lane[method] as (...args: readonly unknown[]) => Promise<unknown>;
    const value = await run(...args);
    return { value, handedOver: buffersOfResult(method, value) };
  } finally {
    // Sixteen megabytes a pack: the garbage collector would take its time.
    if (method === "isSoundPack") free((args[0] as PackToCheck & { bytes: Uint8Array<ArrayBuffer> }).bytes);
  }
});
