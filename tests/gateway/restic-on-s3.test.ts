import { describeWith } from "../support/missing-peers.ts";
import { s3Server } from "../support/s3-server/s3-server.ts";
import { settingsOfBucket } from "../support/saveos-server.ts";
import { resticSuite } from "./restic-suite.ts";

describeWith(
  ["restic", "extended attributes", "an S3 server"],
  "stock restic on a server that keeps its objects in a bucket",
  () => {
    resticSuite(async () => await settingsOfBucket(await s3Server()));
  },
);
