import { workerData } from "node:worker_threads";
import type { MasterKey } from "../../crypto/master-key.ts";
import { blobOpener } from "../../operations/restore/blob-opener.ts";
import type { LaneTask } from "../../target/restore-lane.ts";
import { TaskWriter } from "../../target/task-writer.ts";
import { answerMessages } from "./answer-messages.ts";
import type { Descriptor } from "./posix-library.ts";
import { PosixTarget } from "./posix-target.ts";
import { nodePrimitives } from "./primitives.ts";

/* The entry of a worker thread: the lane of a restore, whose tasks come as messages. */

export interface RestoreWorkerData {
  readonly rootPath: string;
  /** Of the process, which outlives this thread: the root is what it was found to be once. */
  readonly rootDescriptor: Descriptor;
  readonly masterKey: MasterKey;
}

const { rootPath, rootDescriptor, masterKey } = workerData as RestoreWorkerData;
const target = new PosixTarget(rootPath, { rootDescriptor, mayWait: true });
const lane = new TaskWriter(target, blobOpener(nodePrimitives, masterKey));

answerMessages(
  async (question) => {
    const task = question as LaneTask;
    try {
      return { value: await lane.write(task) };
    } finally {
      // Megabytes that the collector would notice late. Freed now, the allocator has them for the next read: to hand them back to be read into again was
      // tried, and took 8 % more CPU.
      if (task.bytes.buffer instanceof ArrayBuffer) task.bytes.buffer.transfer(0);
    }
  },
  async () => {
    await lane[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  },
);
