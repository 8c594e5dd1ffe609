import { randomUUID } from "node:crypto";
import { openStore } from "@saveos/engine/node";
import { beforeAll } from "vitest";
import { objectStoreSuite } from "../../packages/engine/src/platform/testing/object-store-suite.ts";
import { describeWith } from "../support/missing-peers.ts";
import { s3Environment, type S3Server, s3Server } from "../support/s3-server/s3-server.ts";

describeWith(["an S3 server"], "a bucket on a real S3 server", () => {
  let server: S3Server;
  let bucket: string;

  beforeAll(async () => {
    server = await s3Server();
    bucket = await server.newBucket();
  });

  objectStoreSuite("the S3 store", async () => ({
    store: openStore(`s3:${server.endpoint}/${bucket}/${randomUUID()}`, { env: s3Environment(server) }),
    // The bucket goes with its server.
    [Symbol.asyncDispose]: async () => undefined,
  }));
});
