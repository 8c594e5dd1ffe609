import { fileTargetSuite } from "./file-target-suite.ts";
import { memoryTarget } from "./memory-target.ts";

fileTargetSuite("in memory", () =>
  Promise.resolve({ target: memoryTarget(), [Symbol.asyncDispose]: () => Promise.resolve() }),
);
