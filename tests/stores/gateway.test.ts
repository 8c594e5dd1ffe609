import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe } from "vitest";
import { objectStoreSuite } from "../../packages/engine/src/platform/testing/object-store-suite.ts";
import { describeWith } from "../support/missing-peers.ts";
import { s3Server } from "../support/s3-server/s3-server.ts";
import { type SaveosServer, settingsOfBucket, startSaveosServer } from "../support/saveos-server.ts";

describe("a server that keeps its objects in a folder", () => {
  gatewayStoreSuite(async () => ({}));
});

describeWith(["an S3 server"], "a server that keeps its objects in a bucket", () => {
  gatewayStoreSuite(async () => await settingsOfBucket(await s3Server()));
});

/** The gateway over TLS as a client's store; an administrator's. It deletes locks only: anything else takes a grant. */
function gatewayStoreSuite(settings: () => Promise<Readonly<Record<string, string>>>): void {
  let saveos: SaveosServer;

  beforeAll(async () => {
    saveos = await startSaveosServer({ environment: await settings() });
  });
  afterAll(async () => await saveos[Symbol.asyncDispose]());

  objectStoreSuite("the gateway", async () => ({
    store: saveos.store(randomUUID()),
    // The repository goes with its server.
    [Symbol.asyncDispose]: async () => undefined,
  }));
}
