import { isMainThread } from "node:worker_threads";
import { invariant } from "../../errors/invariant.ts";
import type { Pointer } from "./native-library.ts";

/**
 * Remembers what C allocated for this thread: made when first asked for, freed when a worker thread ends by itself, made again if somebody asks
 * after that. The main thread ends with the process, which frees everything. A worker that is terminated from outside frees nothing, because it
 * runs no more code: end it by a message.
 */
export function perThread<Context>(make: () => Context, free: (context: Context) => void): () => Context {
  let made: { readonly context: Context } | undefined;
  return () => {
    if (made === undefined) {
      made = { context: make() };
      atThreadEnd(() => {
        if (made !== undefined) free(made.context);
        made = undefined;
      });
    }
    return made.context;
  };
}

/** What C gives for NULL is a failed allocation, or a broken promise of ours. */
export function notNull(pointer: Pointer | null): Pointer {
  invariant(pointer !== null, "OpenSSL and zstd give what they are asked for");
  return pointer;
}

let endings: (() => void)[] | undefined;

function atThreadEnd(action: () => void): void {
  if (isMainThread) return;
  if (endings === undefined) {
    endings = [];
    process.once("exit", () => endings?.forEach((end) => end()));
  }
  endings.push(action);
}
