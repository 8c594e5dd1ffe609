import { parentPort } from "node:worker_threads";
import { wasmCutFinder } from "../../compute/wasm/cut-finder.ts";
import { inlineLane } from "../../compute/inline-lane.ts";
import type { Lane } from "../../compute/lane.ts";
import type { PackToCheck } from "../../compute/sound-pack.ts";
import { free } from "../../flow/free.ts";
import { invariant } from "../../errors/invariant.ts";
import { nodeFileReader } from "./file-reader.ts";
import { buffersOfResult, type LaneAnswer, type LaneCall, postedError } from "./lane-messages.ts";
import { nodePrimitives } from "./primitives.ts";

/* The entry of a worker thread: a lane whose methods are called by messages, one after another. */

invariant(parentPort !== null, "a lane's worker is started as a worker");
const port = parentPort;
const lane = inlineLane({ primitives: nodePrimitives, reader: nodeFileReader, openCutFinder: wasmCutFinder });
let last: Promise<void> = Promise.resolve();

port.on("message", (call: LaneCall) => {
  // One at a time, so that answers come in order.
  last = last.then(() => answer(call));
});

async function answer({ method, args }: LaneCall): Promise<void> {
  try {
    const run = lane[method] as (...args: readonly unknown[]) => ReturnType<Lane[keyof Lane]>;
    const value = await run(...args);
    post({ value }, buffersOfResult(method, value));
    // Sixteen megabytes a pack: the garbage collector would take its time.
    if (method === "isSoundPack") free((args[0] as PackToCheck & { readonly bytes: Uint8Array<ArrayBuffer> }).bytes);
    // With nothing left to wait for, the thread ends.
    if (method === "close") port.close();
  } catch (error) {
    post({ error: postedError(error) }, []);
  }
}

function post(message: LaneAnswer, buffers: ArrayBuffer[]): void {
  port.postMessage(message, buffers);
}
