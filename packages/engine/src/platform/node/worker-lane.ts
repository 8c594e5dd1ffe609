import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Lane } from "../../compute/lane.ts";
import { EngineError } from "../../errors/engine-error.ts";
import { buffersOfCall, errorOf, type LaneAnswer, type LaneCall } from "./lane-messages.ts";

/** A lane in a worker thread, which starts with the first call and ends with `close`. */
export function workerLane(): Lane {
  let thread: LaneThread | undefined;
  const call = <Method extends keyof Lane>(method: Method): Lane[Method] => {
    const post = (...args: readonly unknown[]) => {
      if (thread === undefined || thread.hasEnded) thread = new LaneThread();
      return thread.call({ method, args });
    };
    return post;
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
    isSoundPack: call("isSoundPack"),
    close: async () => {
      const ended = thread;
      thread = undefined;
      await ended?.end();
    },
  };
}

interface OpenCall {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** A lane's JavaScript objects are few and die young; its bytes lie outside V8's heap. */
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };

/** Beside this file: the source, or in a bundle what became of it. */
const workerUrl = new URL(`./lane-worker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

/** A thread finds the compiled code that the process keeps only if it is told where: it saves some 20 MB and 50 ms a thread. */
function workerEnvironment(): NodeJS.ProcessEnv {
  const folder = getCompileCacheDir();
  return folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) };
}

/** A running thread and the calls that it has not answered yet: it answers in order. */
class LaneThread {
  readonly #worker = new Worker(workerUrl, { resourceLimits, env: workerEnvironment() });
  readonly #open: OpenCall[] = [];
  readonly #ended = Promise.withResolvers<void>();
  hasEnded = false;

  constructor() {
    this.#worker.on("message", (answer: LaneAnswer) => this.#answered(answer));
    this.#worker.on("error", (cause) =>
      this.#fail(new EngineError("aborted", `A worker thread failed: ${String(cause)}`, { cause })),
    );
    this.#worker.on("exit", () =>
      this.#fail(new EngineError("aborted", "A worker thread ended before its work was done")),
    );
  }

  call(message: LaneCall): Promise<never> {
    if (this.hasEnded) return Promise.reject(new EngineError("aborted", "A worker thread has ended"));
    return new Promise((resolve, reject) => {
      this.#worker.postMessage(message, buffersOfCall(message));
      this.#worker.ref();
      this.#open.push({ resolve, reject });
    });
  }

  /** A thread that is asked to end gives back the memory of the native libraries too; one that is terminated does not. */
  async end(): Promise<void> {
    await this.call({ method: "close", args: [] }).catch(() => undefined);
    await this.#ended.promise;
  }

  #answered(answer: LaneAnswer): void {
    const call = this.#open.shift();
    // A thread without work must not keep the process alive.
    if (this.#open.length === 0) this.#worker.unref();
    if ("error" in answer) call?.reject(errorOf(answer.error));
    else call?.resolve(answer.value as never);
  }

  #fail(error: EngineError): void {
    this.hasEnded = true;
    this.#ended.resolve();
    for (const { reject } of this.#open.splice(0)) reject(error);
  }
}
