import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { openStore } from "@saveos/engine/node";
import { inject } from "vitest";

import { credentials } from "./swift-settings.ts";

/** A real S3 server on this machine, shared by the test files of a run: each takes buckets of its own. */
export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Makes an empty bucket and resolves with its name. */
  newBucket(): Promise<string>;
}

/** The run's S3 server. The first call of a run starts it, which takes some ten seconds. */
export async function s3Server(): Promise<S3Server> {
  const answer = JSON.parse(await text(connect(inject("s3ServerSocket")))) as { endpoint?: string; failure?: string };
  if (answer.endpoint === undefined) throw new Error(answer.failure);
  const address = { endpoint: answer.endpoint, region: "us-east-1", ...credentials };
  return {
    ...address,
    newBucket: async () => {
      const bucket = `test-${randomUUID()}`;
      await openStore(`s3:${address.endpoint}/${bucket}`, { env: s3Environment(address) }).create();
      return bucket;
    },
  };
}

/** The server's credentials as every program for S3 takes them from the environment. */
export function s3Environment({
  region,
  accessKeyId,
  secretAccessKey,
}: Omit<S3Server, "newBucket">): Readonly<Record<string, string>> {
  return { AWS_DEFAULT_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}
