import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileTargetSuite } from "../testing/file-target-suite.ts";
import { nodeTarget } from "./node-target.ts";

fileTargetSuite("on this machine's disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "saveos-target-"));
  return {
    target: nodeTarget(join(folder, "to", "root")),
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true }),
  };
});
