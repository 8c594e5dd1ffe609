import { inlineLane } from "../../compute/inline-lane.ts";
import { wasmCutFinder } from "../../compute/wasm/cut-finder.ts";
import { answerMessages } from "./answer-messages.ts";
import { nodeFileReader } from "./file-reader.ts";
import { buffersOfResult, type LaneCall } from "./lane-messages.ts";
import { nodePrimitives } from "./primitives.ts";

/* The entry of a worker thread: a lane whose methods are called by messages. */

const lane = inlineLane({ primitives: nodePrimitives, reader: nodeFileReader, openCutFinder: wasmCutFinder });

answerMessages(async (question) => {
  const { method, args } = question as LaneCall;
  const run = lane[method] as (...args: readonly unknown[]) => Promise<unknown>;
  const value = await run(...args);
  return { value, handedOver: buffersOfResult(method, value) };
});
