import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import { EngineError } from "../../errors/engine-error.ts";
import { errorOf, type PostedError } from "./lane-messages.ts";

/** What a thread posts for each message it got, in their order. */
export type Answer = { readonly value: unknown } | { readonly error: PostedError };

/** The message after which a thread closes its port, and so ends. */
export const endMessage = "end";

interface OpenQuestion {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The JavaScript objects of such a thread are few and die young; its bytes lie outside V8's heap. */
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };

/** A running worker thread that answers what it is asked, in order. */
export class AnsweringThread {
  readonly #worker: Worker;
  readonly #open: OpenQuestion[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #failure: EngineError | undefined;
  #isEnding = false;

  /** `name` is that of the entry beside this file, without its ending. */
  constructor(name: string, workerData: unknown) {
    const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const url = new URL(`./${name}.${ending}`, import.meta.url);
    this.#worker = new Worker(url, { workerData, resourceLimits, env: environment(), trackUnmanagedFds: false });
    this.#worker.on("message", (answer: Answer) => this.#answered(answer));
    this.#worker.on("error", (cause) =>
      this.#fail(new EngineError("aborted", `A worker thread failed: ${String(cause)}`, { cause })),
    );
    this.#worker.on("exit", () =>
      this.#fail(new EngineError("aborted", "A worker thread ended before its work was done")),
    );
  }

  /** `handedOver` is memory in the message that is not copied: it is the thread's from now on. */
  ask(message: unknown, handedOver: readonly ArrayBuffer[]): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#worker.postMessage(message, handedOver);
      this.#worker.ref();
      this.#open.push({ resolve, reject });
    });
  }

  get hasEnded(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves when the thread has done what it was asked and is gone. Asked to end it also gives back the memory of native libraries, which it would not if it were terminated. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#worker.postMessage(endMessage, []);
    this.#worker.ref();
    await this.#ended.promise;
  }

  #answered(answer: Answer): void {
    const question = this.#open.shift();
    // A thread without work must not keep the process alive.
    if (this.#open.length === 0 && !this.#isEnding) this.#worker.unref();
    if ("error" in answer) question?.reject(errorOf(answer.error));
    else question?.resolve(answer.value);
  }

  #fail(error: EngineError): void {
    this.#failure = error;
    this.#ended.resolve();
    for (const { reject } of this.#open.splice(0)) reject(error);
  }
}

/** A thread finds the compiled code that the process keeps only if it is told where: it saves some 20 MB and 50 ms a thread. */
function environment(): NodeJS.ProcessEnv {
  const folder = getCompileCacheDir();
  return folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) };
}
