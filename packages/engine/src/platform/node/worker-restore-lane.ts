import { wholeBuffer } from "../../flow/whole-buffer.ts";
import type { LaneAnswer, LaneTask, RestoreLane } from "../../target/restore-lane.ts";
import { AnsweringThread } from "./answering-thread.ts";
import type { RestoreWorkerData } from "./restore-worker.ts";

/** A lane of a restore in a worker thread, which starts now and ends when the lane is disposed. */
export class WorkerRestoreLane implements RestoreLane {
  readonly #thread: AnsweringThread;

  constructor(data: RestoreWorkerData) {
    this.#thread = new AnsweringThread("restore-worker", data);
  }

  async write(task: LaneTask): Promise<LaneAnswer> {
    const bytes = wholeBuffer(task.bytes);
    return (await this.#thread.ask({ ...task, bytes }, [bytes.buffer])) as LaneAnswer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.end();
  }
}
