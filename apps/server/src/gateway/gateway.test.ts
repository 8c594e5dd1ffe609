import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openObjectStorage } from "../object-store/index.ts";
import { deletionSuite } from "../testing/deletion-suite.ts";
import { gatewaySuite } from "../testing/gateway-suite.ts";

gatewaySuite("a folder", async () => {
  const path = await mkdtemp(join(tmpdir(), "saveos-gateway-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return await openObjectStorage({ kind: "folder", path });
});

deletionSuite("a folder", async () => {
  const path = await mkdtemp(join(tmpdir(), "saveos-deletion-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return await openObjectStorage({ kind: "folder", path });
});
