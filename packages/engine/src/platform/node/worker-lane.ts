import type { Lane } from "../../compute/lane.ts";
import { AnsweringThread } from "./answering-thread.ts";
import { buffersOfCall, type LaneCall } from "./lane-messages.ts";

/** A lane in a worker thread, which starts with the first call and ends with `close`. */
export function workerLane(): Lane {
  let thread: AnsweringThread | undefined;
  const call = (method: LaneCall["method"]) => {
    const ask = async (...args: readonly unknown[]): Promise<never> => {
      if (thread === undefined || thread.hasEnded) thread = new AnsweringThread("lane-worker", undefined);
      const message: LaneCall = { method, args };
      return (await thread.ask(message, buffersOfCall(message))) as never;
    };
    return ask;
  };
  return {
    openBackup: call("openBackup"),
    hashFiles: call("hashFiles"),
    findCuts: call("findCuts"),
    hashChunks: call("hashChunks"),
    pack: call("pack"),
    giveBack: call("giveBack"),
    finishPack: call("finishPack"),
    openCheck: call("openCheck"),
    checkPack: call("checkPack"),
    close: async () => {
      const ended = thread;
      thread = undefined;
      await ended?.end();
    },
  };
}
