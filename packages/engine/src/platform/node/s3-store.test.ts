import type { ServerResponse } from "node:http";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { EngineError } from "../../errors/engine-error.ts";
import { objectIdFromBytes } from "../../format/ids.ts";
import { hashedName } from "../../store/layout.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { type LoopbackServer, type SeenRequest, loopbackServer } from "../testing/http-server.ts";
import { type S3StoreOptions, s3Store } from "./s3-store.ts";

// What a bucket does when all is well is tried on a real S3 server by the whole-system tests; here the network misbehaves.

const bytes = bytesOf("a pack");
const hash = createHash("sha256").update(bytes).digest();
const id = objectIdFromBytes(hash);
const pack = hashedName("data", id);

test.each(["a/b", "/a//b/"])(
  "keys are restic's, under the cleaned prefix %s, and the bucket is in the path",
  async (prefix) => {
    await using server = await loopbackServer((response) => answer(response, 200, "x"));
    const store = storeAt(server, { prefix });
    await store.get(pack);
    await store.get("config");
    await store.put(hashedName("index", id), bytes);
    expect(paths(server)).toEqual([
      `/bucket/a/b/data/${id.slice(0, 2)}/${id}`,
      "/bucket/a/b/config",
      `/bucket/a/b/index/${id}`,
    ]);
    expect(store.label).toBe(`s3:${server.origin}/bucket/a/b`);
  },
);

test("an upload carries its name as its SHA-256 and its length, in one piece", async () => {
  await using server = await loopbackServer((response) => answer(response, 200));
  await storeAt(server).put(pack, bytes);
  const [request] = server.requests;
  expect(request?.headers).toMatchObject({
    "x-amz-checksum-sha256": hash.toString("base64"),
    "content-length": String(bytes.length),
    "content-type": "application/octet-stream",
  });
  expect(request?.headers).not.toHaveProperty("if-none-match");
  expect(request?.headers).not.toHaveProperty("x-amz-trailer");
  expect(request?.body).toEqual(bytes);
});

test("an upload is signed with the hash that it is named by, which it need not be read again for", async () => {
  await using server = await loopbackServer((response) => answer(response, 200));
  await storeAt(server).put(pack, bytes);
  expect(server.requests[0]?.headers["x-amz-content-sha256"]).toBe(id);
});

test("at a pace, an upload goes in pieces and arrives as ever, and a download waits for it", async () => {
  await using server = await loopbackServer((response) => answer(response, 200, "some bytes"));
  const asked: number[] = [];
  const pace = async (wantedBytes: number) => {
    asked.push(wantedBytes);
    return Math.min(wantedBytes, 4);
  };
  await storeAt(server).put(pack, bytes, { pace });
  expect(asked).toEqual([6, 2]);
  const [request] = server.requests;
  expect(request?.body).toEqual(bytes);
  expect(request?.headers).toMatchObject({ "content-length": "6", "x-amz-content-sha256": id });
  expect(request?.headers).not.toHaveProperty("transfer-encoding");
  asked.length = 0;
  await storeAt(server).get(pack, { pace });
  expect(asked).toEqual([10, 6, 2]);
});

test("the first config is written only if there is none, and read back", async () => {
  let stored: Uint8Array | undefined;
  await using server = await loopbackServer((response, { method, headers, body }) => {
    if (method === "GET")
      return stored === undefined ? failed(response, 404, "NoSuchKey") : answer(response, 200, stored);
    if (headers["if-none-match"] === "*" && stored !== undefined) return failed(response, 412, "PreconditionFailed");
    stored = body;
    return answer(response, 200);
  });
  const store = storeAt(server);
  await store.put("config", bytesOf("first"));
  await store.put("config", bytesOf("first"));
  expect((await failureOf(store.put("config", bytesOf("second")))).code).toBe("already-exists");
  expect(stored).toEqual(bytesOf("first"));
});

test("a server without conditional writes is asked first, and its config is not overwritten", async () => {
  let stored: Uint8Array | undefined;
  await using server = await loopbackServer((response, { method, headers, body }) => {
    if (method === "GET")
      return stored === undefined ? failed(response, 404, "NoSuchKey") : answer(response, 200, stored);
    if (headers["if-none-match"] !== undefined) return failed(response, 501, "NotImplemented");
    stored = body;
    return answer(response, 200);
  });
  const store = storeAt(server);
  await store.put("config", bytesOf("first"));
  expect((await failureOf(store.put("config", bytesOf("second")))).code).toBe("already-exists");
  expect(stored).toEqual(bytesOf("first"));
});

test("of two configs at the same moment, the one that was overwritten by a careless server learns it", async () => {
  await using server = await loopbackServer((response, { method }) =>
    method === "GET" ? answer(response, 200, "the other's") : answer(response, 200),
  );
  expect((await failureOf(storeAt(server).put("config", bytesOf("mine")))).code).toBe("already-exists");
});

test.each([
  [403, "AccessDenied", "store-denied"],
  [403, "InvalidAccessKeyId", "store-denied"],
  [403, "RequestTimeTooSkewed", "store-denied"],
  [404, "NoSuchKey", "not-found"],
  [404, "NoSuchBucket", "not-found"],
  [416, "InvalidRange", "corrupt-data"],
  [400, "AuthorizationHeaderMalformed", "invalid-input"],
  [429, "TooManyRequests", "store-unavailable"],
  [500, "InternalError", "store-unavailable"],
  [503, "SlowDown", "store-unavailable"],
  [503, "ServiceUnavailable", "store-unavailable"],
  [507, "XMinioStorageFull", "store-full"],
])("%i %s in answer to a read is %s, said once and with its name", async (status, name, code) => {
  await using server = await loopbackServer((response) => failed(response, status, name));
  const error = await failureOf(storeAt(server).get(pack));
  expect(error.code).toBe(code);
  expect(error.message).toContain(`Reading ${pack} in s3:${server.origin}/bucket`);
  expect(error.message).toContain(`${status}, ${name}`);
  expect(server.requests).toHaveLength(1);
});

test.each([
  [400, "BadDigest", "corrupt-data"],
  [400, "XAmzContentSHA256Mismatch", "corrupt-data"],
  [400, "RequestTimeout", "store-unavailable"],
  [403, "QuotaExceeded", "store-full"],
  [503, "SlowDown", "store-unavailable"],
])("%i %s in answer to an upload is %s", async (status, name, code) => {
  await using server = await loopbackServer((response) => failed(response, status, name));
  expect((await failureOf(storeAt(server).put(pack, bytes))).code).toBe(code);
  expect(server.requests).toHaveLength(1);
});

test.each([
  [404, "not-found"],
  [403, "store-denied"],
  [503, "store-unavailable"],
])("an answer of %i to a question for a size, which has no body, is %s", async (status, code) => {
  await using server = await loopbackServer((response) => answer(response, status));
  const error = await failureOf(storeAt(server).size(pack));
  expect(error.code).toBe(code);
  expect(error.message).not.toContain("Unknown");
});

test("a missing bucket is said with what to do", async () => {
  await using server = await loopbackServer((response) => failed(response, 404, "NoSuchBucket"));
  const error = await failureOf(storeAt(server).get("config"));
  expect(error.hint).toContain("bucket's name");
});

test.each([
  ["a part shorter than asked for", "345", "bytes 3-5/6"],
  ["another part", "4567", "bytes 4-7/10"],
  ["a part longer than asked for", "34567", "bytes 3-7/10"],
])("%s is corrupt-data", async (_, body, contentRange) => {
  await using server = await loopbackServer((response) =>
    answer(response, 206, body, { "Content-Range": contentRange }),
  );
  expect((await failureOf(storeAt(server).get(pack, { range: { start: 3, end: 7 } }))).code).toBe("corrupt-data");
});

test("a body that is cut short is store-unavailable, whole and in part", async () => {
  await using server = await loopbackServer((response, { headers }) => {
    response.writeHead(headers.range === undefined ? 200 : 206, { "Content-Length": "10" });
    response.write("012", () => response.destroy());
  });
  const store = storeAt(server);
  expect((await failureOf(store.get(pack))).code).toBe("store-unavailable");
  expect((await failureOf(store.get(pack, { range: { start: 0, end: 10 } }))).code).toBe("store-unavailable");
});

test("a connection that is reset, and one that nobody takes, are store-unavailable", async () => {
  const server = await loopbackServer((response) => void response.destroy());
  const store = storeAt(server);
  expect((await failureOf(store.put(pack, bytes))).code).toBe("store-unavailable");
  expect((await failureOf(store.get(pack))).code).toBe("store-unavailable");
  await server[Symbol.asyncDispose]();
  const error = await failureOf(store.get(pack));
  expect(error).toMatchObject({ code: "store-unavailable", message: expect.stringContaining("ECONNREFUSED") });
});

test("a request that does not move is given up, before the answer and in the middle of it, again and again", async () => {
  await using server = await loopbackServer((response, { url }) => {
    if (url.includes("config")) return;
    response.writeHead(200, { "Content-Length": "10" });
    response.write("012");
  });
  const store = storeAt(server, { stallTimeoutMs: 50 });
  for (const name of ["config", pack, "config"] as const) {
    expect((await failureOf(store.get(name))).code, name).toBe("store-unavailable");
  }
});

test("the caller's abort ends a request under way with its reason", async () => {
  const reason = new DOMException("enough", "AbortError");
  for (const isAnswering of [true, false]) {
    const controller = new AbortController();
    await using server = await loopbackServer((response) => {
      if (isAnswering) response.writeHead(200, { "Content-Length": "10" }).write("012");
      controller.abort(reason);
    });
    await expect(storeAt(server).get(pack, { signal: controller.signal })).rejects.toBe(reason);
  }
});

test("a listing goes through all pages, and leaves out what is not where its name says", async () => {
  const other = "cd".repeat(32);
  const keyOf = (name: string) => `p/data/${name.slice(0, 2)}/${name}`;
  await using server = await loopbackServer((response, { url }) => {
    const isSecond = new URL(url, "http://host").searchParams.get("continuation-token") === "more";
    const keys = isSecond ? [keyOf(other), "p/data/notes.txt"] : [keyOf(id), `p/data/${other}`, `p/data/ab/${other}`];
    answer(response, 200, listing(keys, isSecond ? undefined : "more"));
  });
  const ids = [];
  for await (const object of storeAt(server, { prefix: "p" }).list("data")) ids.push(object);
  expect(ids).toEqual([
    { id, sizeBytes: 5 },
    { id: other, sizeBytes: 5 },
  ]);
  expect(server.requests).toHaveLength(2);
});

test("create makes a bucket that is missing, and leaves one that it may not look at", async () => {
  for (const [status, methods] of [
    [404, ["HEAD", "PUT"]],
    [403, ["HEAD"]],
    [200, ["HEAD"]],
  ] as const) {
    await using server = await loopbackServer((response, { method }) =>
      answer(response, method === "HEAD" ? status : 200),
    );
    await storeAt(server).create();
    expect(server.requests.map(({ method }) => method)).toEqual(methods);
  }
});

test("the secret is in no request and no error", async () => {
  await using server = await loopbackServer((response) => failed(response, 403, "SignatureDoesNotMatch"));
  const error = await failureOf(storeAt(server).put(pack, bytes));
  expect(JSON.stringify([server.requests, error.message, error.hint, error.cause])).not.toContain("very-secret");
});

function storeAt(server: LoopbackServer, options: Partial<S3StoreOptions> = {}): ObjectStore {
  return s3Store({
    endpoint: server.origin,
    region: "us-east-1",
    bucket: "bucket",
    prefix: "",
    credentials: { accessKeyId: "key", secretAccessKey: "very-secret" },
    ...options,
  });
}

function paths({ requests }: { readonly requests: readonly SeenRequest[] }): string[] {
  return requests.map(({ url }) => new URL(url, "http://host").pathname);
}

function answer(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array = "",
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "Content-Length": String(body.length), ...headers });
  response.end(body);
}

/** As S3 says that it could not. */
function failed(response: ServerResponse, status: number, name: string): void {
  answer(response, status, `<?xml version="1.0"?><Error><Code>${name}</Code><Message>for a reason</Message></Error>`);
}

function listing(keys: readonly string[], continuation: string | undefined): string {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>5</Size></Contents>`).join("");
  const next = continuation === undefined ? "" : `<NextContinuationToken>${continuation}</NextContinuationToken>`;
  const isTruncated = `<IsTruncated>${String(continuation !== undefined)}</IsTruncated>`;
  return `<?xml version="1.0"?><ListBucketResult>${isTruncated}${next}${contents}</ListBucketResult>`;
}

async function failureOf(call: Promise<unknown>): Promise<EngineError> {
  const error = await call.then(
    () => expect.unreachable("it should have failed"),
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
