import { expect, test } from "vitest";
import { parseS3Location } from "./s3-location.ts";

const own = "https://s3.example.org:9000";

test.each([
  ["https://s3.example.org:9000/bucket", { endpoint: own, bucket: "bucket", prefix: "" }],
  ["https://s3.example.org:9000/bucket/", { endpoint: own, bucket: "bucket", prefix: "" }],
  ["https://s3.example.org:9000/bucket/a//b/", { endpoint: own, bucket: "bucket", prefix: "a/b" }],
  ["http://127.0.0.1:9100/bucket/a", { endpoint: "http://127.0.0.1:9100", bucket: "bucket", prefix: "a" }],
  ["s3.example.org:9000/bucket/a", { endpoint: own, bucket: "bucket", prefix: "a" }],
  ["//s3.example.org:9000/bucket/a", { endpoint: own, bucket: "bucket", prefix: "a" }],
  ["https://s3.example.org:9000/bucket/été 2026", { endpoint: own, bucket: "bucket", prefix: "été 2026" }],
  ["s3.amazonaws.com/bucket", { endpoint: undefined, region: undefined, bucket: "bucket" }],
  ["s3.eu-west-3.amazonaws.com/bucket/a", { endpoint: undefined, region: "eu-west-3", bucket: "bucket", prefix: "a" }],
  ["s3-eu-west-1.amazonaws.com/bucket", { endpoint: undefined, region: "eu-west-1", bucket: "bucket" }],
])("%s is read as restic reads it", (text, location) => {
  expect(parseS3Location(text)).toMatchObject(location);
});

test.each(["", "https://", "https://host", "https://host/", "host", "https://key:secret@host/bucket"])(
  "%j is invalid-input, and nothing of it is repeated",
  (text) => {
    expect(() => parseS3Location(text)).toThrow(expect.objectContaining({ code: "invalid-input" }));
    expect(() => parseS3Location(text)).not.toThrow("key:secret");
  },
);
