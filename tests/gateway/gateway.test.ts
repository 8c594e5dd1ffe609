import { beforeAll } from "vitest";
import { openObjectStorage } from "../../apps/server/src/object-store/index.ts";
import { deletionSuite } from "../../apps/server/src/testing/deletion-suite.ts";
import { gatewaySuite } from "../../apps/server/src/testing/gateway-suite.ts";
import { describeWith } from "../support/missing-peers.ts";
import { type S3Server, s3Server } from "../support/s3-server/s3-server.ts";

/** The same suite runs on a folder beside the gateway's code. */
describeWith(["an S3 server"], "the gateway's promises, on a real S3 server", () => {
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await s3Server();
  });

  const newBucket = async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = s3;
    const bucket = await s3.newBucket();
    return await openObjectStorage({
      kind: "s3",
      endpoint,
      bucket,
      region,
      accessKeyId,
      secretAccessKey,
      pathStyle: true,
    });
  };

  gatewaySuite("a bucket", newBucket);
  deletionSuite("a bucket", newBucket);
});
