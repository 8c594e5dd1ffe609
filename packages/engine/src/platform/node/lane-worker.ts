import { parentPort } from "node:worker_threads";
import { wasmCutFinder } from "../../compute/wasm/cut-finder.ts";
import { inlineLane } from "../../compute/inline-lane.ts";
import type { PackToCheck } from "../../compute/sound-pack.ts";
import { free } from "../../flow/free.ts";
import { invariant } from "../../errors/invariant.ts";
import { type Answer, endMessage } from "./answering-thread.ts";
import { nodeFileReader } from "./file-reader.ts";
import { buffersOfResult, type LaneCall, postedError } from "./lane-messages.ts";
import { nodePrimitives } from "./primitives.ts";

/* The entry of a worker thread: a lane whose methods are called by messages, one after another. */

invariant(parentPort !== null, "a lane's worker is started as a worker");
const port = parentPort;
const lane = inlineLane({ primitives: nodePrimitives, reader: nodeFileReader, openCutFinder: wasmCutFinder });
let last: Promise<void> = Promise.resolve();

port.on("message", (message: LaneCall | typeof endMessage) => {
  // One at a time, so that answers come in order. With nothing left to wait for, the thread ends.
  last = last.then(() => (message === endMessage ? port.close() : answer(message)));
});

async function answer(call: LaneCall): Promise<void> {
  try {
    const run = lane[call.method] as (...args: readonly unknown[]) => Promise<unknown>;
    const value = await run(...call.args);
    post({ value }, buffersOfResult(call.method, value));
  } catch (error) {
    post({ error: postedError(error) }, []);
  }
  // Sixteen megabytes a pack: the garbage collector would take its time.
  if (call.method === "isSoundPack") free((call.args[0] as PackToCheck & { bytes: Uint8Array<ArrayBuffer> }).bytes);
}

function post(answer: Answer, buffers: readonly ArrayBuffer[]): void {
  port.postMessage(answer, [...buffers]);
}
