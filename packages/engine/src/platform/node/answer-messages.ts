import { parentPort } from "node:worker_threads";
import { invariant } from "../../errors/invariant.ts";
import { type Answer, endMessage } from "./answering-thread.ts";
import { postedError } from "./lane-messages.ts";

export interface AnswerToPost {
  readonly value: unknown;
  /** Memory in it that is not copied: it is the asker's from then on. */
  readonly handedOver?: readonly ArrayBuffer[];
}

/**
 * What the entry of a worker thread does: answers what its `AnsweringThread` asks, one question after another, so that answers come in the order of
 * the questions. Asked to end, it first lets `close` give back what the thread holds. With nothing left to wait for, the thread then ends.
 */
export function answerMessages(
  answerTo: (question: unknown) => Promise<AnswerToPost>,
  close: () => Promise<void> = async () => undefined,
): void {
  invariant(parentPort !== null, "an answering thread is started as a worker");
  const port = parentPort;
  const post = (answer: Answer, handedOver: readonly ArrayBuffer[] = []) => port.postMessage(answer, [...handedOver]);

  async function answer(question: unknown): Promise<void> {
    try {
      const { value, handedOver } = await answerTo(question);
      post({ value }, handedOver);
    } catch (error) {
      post({ error: postedError(error) });
    }
  }

  async function end(): Promise<void> {
    await close();
    port.close();
  }

  let last: Promise<void> = Promise.resolve();
  port.on("message", (message: unknown) => {
    last = last.then(async () => await (message === endMessage ? end() : answer(message)));
  });
}
