import { answerMessages } from "./answer-messages.ts";
import { buffersOfResult, type LaneCall } from "./lane-messages.ts";
import { nodeLane } from "./node-lane.ts";

/* The entry of a worker thread: a lane whose methods are called by messages. */

const lane = nodeLane();

answerMessages(
  async (question) => {
    const { method, args } = question as LaneCall;
    const run = lane[method] as (...args: readonly unknown[]) => Promise<unknown>;
    const value = await run(...args);
    return { value, handedOver: buffersOfResult(method, value) };
  },
  async () => await lane.close(),
);
