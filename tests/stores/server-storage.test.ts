import { beforeAll } from "vitest";
import { openObjectStorage } from "../../apps/server/src/object-store/index.ts";
import { objectStorageSuite } from "../../apps/server/src/testing/object-storage-suite.ts";
import { describeWith } from "../support/missing-peers.ts";
import { type S3Server, s3Server } from "../support/s3-server/s3-server.ts";

describeWith(["an S3 server"], "the server's object storage on a real S3 server", () => {
  let s3: S3Server;
  let bucket: string;

  beforeAll(async () => {
    s3 = await s3Server();
    bucket = await s3.newBucket();
  });

  objectStorageSuite("a bucket", async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = s3;
    return await openObjectStorage({
      kind: "s3",
      endpoint,
      bucket,
      prefix: "some/where",
      region,
      accessKeyId,
      secretAccessKey,
      pathStyle: true,
    });
  });
});
