import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { type LoopbackServer, loopbackServer } from "../platform/testing/http-server.ts";
import { hashedName } from "./layout.ts";
import type { ObjectStore } from "./object-store.ts";
import { type RestStoreOptions, restStore } from "./rest-store.ts";
import { parseObjectId } from "../format/ids.ts";

const id = parseObjectId("ab".repeat(32));
const pack = hashedName("data", id);

test("every request asks for version 2, and never for compression", async () => {
  await using server = await loopbackServer((response, { method, url }) => {
    answer(response, 200, method === "GET" && url.endsWith("/") ? "[]" : "");
  });
  const store = storeAt(server);
  await store.put(pack, bytesOf("a pack"));
  await store.get(pack);
  await store.size(pack);
  await listed(store, "data");
  await store.delete(pack);
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `POST /repo/data/${id}`,
    `GET /repo/data/${id}`,
    `HEAD /repo/data/${id}`,
    "GET /repo/data/",
    `DELETE /repo/data/${id}`,
  ]);
  for (const { headers } of server.requests) {
    expect(headers).toMatchObject({ accept: "application/vnd.x.restic.rest.v2", "accept-encoding": "identity" });
  }
});

test.each([true, false])("an upload says its length and its type (streamed: %s)", async (streamUploads) => {
  await using server = await loopbackServer((response) => void response.end());
  const bytes = new Uint8Array(300_000).fill(7);
  await storeAt(server, { streamUploads }).put(pack, bytes);
  const [request] = server.requests;
  expect(request?.headers).toMatchObject({ "content-length": "300000", "content-type": "application/octet-stream" });
  expect(request?.headers).not.toHaveProperty("transfer-encoding");
  expect(request?.body).toEqual(bytes);
});

test("at a pace, an upload goes in the pieces that are allowed, and a download waits for each part", async () => {
  await using server = await loopbackServer((response) => void response.end("0123456789"));
  const store = storeAt(server, { streamUploads: true });
  const allowed: number[] = [];
  const pace = async (wantedBytes: number) => {
    allowed.push(Math.min(wantedBytes, 40_000));
    return allowed.at(-1) ?? 0;
  };
  await store.put(pack, new Uint8Array(100_000), { pace });
  expect(allowed).toEqual([40_000, 40_000, 20_000]);
  expect(server.requests[0]?.headers).toMatchObject({ "content-length": "100000" });
  allowed.length = 0;
  await store.get(pack, { pace });
  expect(allowed).toEqual([10]);
});

test("where an upload can't be streamed, all of it is let through before its request begins", async () => {
  await using server = await loopbackServer((response) => void response.end());
  const requestsMeanwhile: number[] = [];
  const pace = async (wantedBytes: number) => {
    requestsMeanwhile.push(server.requests.length);
    return Math.min(wantedBytes, 400);
  };
  await storeAt(server, { streamUploads: false }).put(pack, new Uint8Array(1000), { pace });
  expect(requestsMeanwhile).toEqual([0, 0, 0]);
});

test("an upload that is held up by its pace longer than a stall may last goes on", async () => {
  await using server = await loopbackServer((response) => void response.end());
  const store = storeAt(server, { streamUploads: true, stallTimeoutMs: 60 });
  const pace = async (wantedBytes: number) => {
    await delay(20);
    return Math.min(wantedBytes, 1000);
  };
  await store.put(pack, new Uint8Array(10_000), { pace });
  expect(server.requests[0]?.body.length).toBe(10_000);
});

test("create posts to the base with create=true", async () => {
  await using server = await loopbackServer((response) => void response.end());
  await storeAt(server).create();
  expect(server.requests[0]).toMatchObject({ method: "POST", url: "/repo/?create=true" });
});

test.each(["/repo", "/repo/"])("the base may end with a slash or not: %s", async (path) => {
  await using server = await loopbackServer((response) => void response.end("config"));
  await restStore({ url: server.origin + path, fetch }).get("config");
  expect(server.requests[0]?.url).toBe("/repo/config");
});

test("a credential in the address becomes a header, and shows in no label and no error", async () => {
  await using server = await loopbackServer((response) => answer(response, 500));
  const url = `${server.origin.replace("://", "://j%C3%B6:s%40cr%3At@")}/repo/`;
  const store = restStore({ url, fetch });
  const error = await failureOf(store.get("config"));
  expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from("jö:s@cr:t").toString("base64")}`);
  expect(store.label).toBe(`rest:${server.origin}/repo/`);
  expect(`${error.message} ${String(error.hint)} ${String(error.cause)}`).not.toMatch(/s@cr|s%40cr|czA/);
});

test("the caller's authorization takes the place of the one in the address", async () => {
  await using server = await loopbackServer((response) => void response.end("x"));
  const url = `${server.origin.replace("://", "://joe:secret@")}/repo/`;
  await restStore({ url, fetch, headers: { Authorization: "Bearer token" } }).get("config");
  expect(server.requests[0]?.headers.authorization).toBe("Bearer token");
});

test.each(["", "ftp://joe:secret@host/", "https://joe:sec ret@ho st/", "https://joe:sec%ret@host/", "joe:secret@host"])(
  "a bad address is invalid-input, and the error does not repeat what may be secret: %s",
  (url) => {
    const error = thrownBy(() => restStore({ url, fetch }));
    expect(error.code).toBe("invalid-input");
    expect(error.message).not.toMatch(/sec/);
  },
);

test.each([
  [400, "store-unavailable"],
  [401, "store-denied"],
  [403, "store-denied"],
  [404, "not-found"],
  [405, "unsupported"],
  [413, "store-denied"],
  [429, "store-unavailable"],
  [500, "store-unavailable"],
  [503, "store-unavailable"],
  [507, "store-full"],
  [201, "store-unavailable"],
  [204, "store-unavailable"],
])("an answer of %i to a read is %s, and says what was read and where", async (status, code) => {
  await using server = await loopbackServer((response) => answer(response, status));
  const error = await failureOf(storeAt(server).get(pack));
  expect(error.code).toBe(code);
  expect(error.message).toContain(`Reading ${pack} in rest:${server.origin}/repo/`);
  expect(error.message).toContain(String(status));
});

test.each([
  [400, "corrupt-data"],
  [401, "store-denied"],
  [507, "store-full"],
  [503, "store-unavailable"],
  [201, "store-unavailable"],
])("an answer of %i to an upload is %s", async (status, code) => {
  await using server = await loopbackServer((response) => answer(response, status));
  expect((await failureOf(storeAt(server).put(pack, bytesOf("a pack")))).code).toBe(code);
});

test("an upload that is refused with 403 is fine if the server has the same bytes", async () => {
  await using server = await loopbackServer((response, { method }) =>
    method === "POST" ? answer(response, 403) : answer(response, 200, "a pack"),
  );
  await storeAt(server).put(pack, bytesOf("a pack"));
  expect(server.requests.map(({ method }) => method)).toEqual(["POST", "GET"]);
});

test("a config that is refused with 403 is already-exists if there is another, store-denied if there is none", async () => {
  let config: string | undefined = "another";
  await using server = await loopbackServer((response, { method }) => {
    if (method === "POST") answer(response, 403);
    else if (config === undefined) answer(response, 404);
    else answer(response, 200, config);
  });
  const store = storeAt(server);
  expect((await failureOf(store.put("config", bytesOf("mine")))).code).toBe("already-exists");
  config = "mine";
  await store.put("config", bytesOf("mine"));
  config = undefined;
  expect((await failureOf(store.put("config", bytesOf("mine")))).code).toBe("store-denied");
});

test("a range is asked for inclusively, and its part is taken as it comes", async () => {
  await using server = await loopbackServer((response) =>
    answer(response, 206, "3456", { "Content-Range": "bytes 3-6/10" }),
  );
  expect(await storeAt(server).get(pack, { range: { start: 3, end: 7 } })).toEqual(bytesOf("3456"));
  expect(server.requests[0]?.headers.range).toBe("bytes=3-6");
});

test("a server that ignores ranges and sends everything gives the same bytes", async () => {
  await using server = await loopbackServer((response) => answer(response, 200, "0123456789"));
  const store = storeAt(server);
  expect(await store.get(pack, { range: { start: 3, end: 7 } })).toEqual(bytesOf("3456"));
  expect((await failureOf(store.get(pack, { range: { start: 3, end: 11 } }))).code).toBe("corrupt-data");
});

test.each([
  ["a 416", (response: ServerResponse) => answer(response, 416)],
  ["a shorter part", (response: ServerResponse) => answer(response, 206, "345")],
  ["a longer part", (response: ServerResponse) => answer(response, 206, "34567")],
  ["another part", (response: ServerResponse) => answer(response, 206, "4567", { "Content-Range": "bytes 4-7/10" })],
  [
    "a part cut at the end",
    (response: ServerResponse) => answer(response, 206, "345", { "Content-Range": "bytes 3-5/6" }),
  ],
  [
    "a part of no length behind the end",
    (response: ServerResponse) => void response.writeHead(206, { "Content-Range": "bytes 3-2/3" }).end(),
  ],
])("%s in answer to a range is corrupt-data", async (_, respond) => {
  await using server = await loopbackServer((response) => respond(response));
  expect((await failureOf(storeAt(server).get(pack, { range: { start: 3, end: 7 } }))).code).toBe("corrupt-data");
});

test("a body that is cut short is store-unavailable, whole, in part, and without a length", async () => {
  await using server = await loopbackServer((response, { headers, url }) => {
    const length = url.includes("config") ? {} : { "Content-Length": "10" };
    response.writeHead(headers.range === undefined ? 200 : 206, length);
    response.write("012", () => response.destroy());
  });
  const store = storeAt(server);
  expect((await failureOf(store.get(pack))).code).toBe("store-unavailable");
  expect((await failureOf(store.get("config"))).code).toBe("store-unavailable");
  expect((await failureOf(store.get(pack, { range: { start: 0, end: 10 } }))).code).toBe("store-unavailable");
});

test("a part without a length that ends early is store-unavailable", async () => {
  await using server = await loopbackServer((response) => {
    response.writeHead(206);
    response.write("012");
    response.end();
  });
  const error = await failureOf(storeAt(server).get(pack, { range: { start: 0, end: 10 } }));
  expect(error).toMatchObject({ code: "store-unavailable", message: expect.stringContaining("3 of 10 bytes") });
});

test("a connection that is reset is store-unavailable, with the reason and the place", async () => {
  await using server = await loopbackServer((response) => void response.destroy());
  const error = await failureOf(storeAt(server).get("config"));
  expect(error.code).toBe("store-unavailable");
  expect(error.message).not.toMatch(/fetch failed/);
});

test("nobody listening is store-unavailable", async () => {
  const server = await loopbackServer(() => undefined);
  await server[Symbol.asyncDispose]();
  const error = await failureOf(storeAt(server).get("config"));
  expect(error).toMatchObject({ code: "store-unavailable", message: expect.stringContaining("ECONNREFUSED") });
});

test("a request that does not move is cancelled, before the answer and in the middle of it", async () => {
  await using server = await loopbackServer((response, { url }) => {
    if (url.includes("config")) return;
    response.writeHead(200, { "Content-Length": "10" });
    response.write("012");
  });
  const store = storeAt(server, { stallTimeoutMs: 50 });
  for (const name of ["config", pack] as const) {
    const error = await failureOf(store.get(name));
    expect(error).toMatchObject({ code: "store-unavailable", message: expect.stringContaining("nothing moved") });
  }
});

test("the caller's abort ends a request under way with its reason", async () => {
  const controller = new AbortController();
  const reason = new DOMException("enough", "AbortError");
  await using server = await loopbackServer(() => controller.abort(reason));
  await expect(storeAt(server).get(pack, { signal: controller.signal })).rejects.toBe(reason);
});

test("an answer that was compressed on the way is refused with a hint", async () => {
  await using server = await loopbackServer((response) => answer(response, 200, "", { "Content-Encoding": "gzip" }));
  expect(await failureOf(storeAt(server).get("config"))).toMatchObject({ hint: expect.stringContaining("proxy") });
});

test("an object that claims to be larger than any may be is refused before it is read", async () => {
  await using server = await loopbackServer((response) => {
    response.writeHead(200, { "Content-Length": String(2 ** 40) });
    response.write("x");
  });
  expect((await failureOf(storeAt(server).get(pack))).code).toBe("corrupt-data");
});

test("a listing of version 2 gives names and sizes, and leaves out what is no id", async () => {
  const items = [
    { name: id, size: 42 },
    { name: "notes.txt", size: 1 },
    { name: `${id}-tmp-1`, size: 1 },
  ];
  await using server = await loopbackServer((response) => answer(response, 200, JSON.stringify(items)));
  expect(await listed(storeAt(server), "index")).toEqual([{ id, sizeBytes: 42 }]);
});

test("a listing of version 1 is completed by asking for each size, and what has gone meanwhile is left out", async () => {
  const gone = "cd".repeat(32);
  await using server = await loopbackServer((response, { method, url }) => {
    if (method === "GET") return answer(response, 200, JSON.stringify([id, gone, "notes.txt"]));
    return url.includes(gone) ? answer(response, 404) : answer(response, 200, "x".repeat(42));
  });
  expect(await listed(storeAt(server), "keys")).toEqual([{ id, sizeBytes: 42 }]);
});

test.each([
  ["404", 404, ""],
  ["[]", 200, "[]"],
  ["null", 200, "null"],
])("a kind without objects is empty: %s", async (_, status, body) => {
  await using server = await loopbackServer((response) => answer(response, status, body));
  expect(await listed(storeAt(server), "locks")).toEqual([]);
});

test.each([
  "<html>",
  "{}",
  "[1]",
  `[{"name":"${id}"}]`,
  `[{"name":"${id}","size":-1}]`,
  `[{"name":"${id}","size":1.5}]`,
])("an answer that is not a listing is corrupt-data: %s", async (body) => {
  await using server = await loopbackServer((response) => answer(response, 200, body));
  const listing = listed(storeAt(server), "data");
  await expect(listing).rejects.toMatchObject({ code: "corrupt-data" });
});

test("a read follows a redirect to another host, without the credential", async () => {
  await using bucket = await loopbackServer((response) =>
    answer(response, 206, "456", { "Content-Range": "bytes 4-6/9" }),
  );
  await using server = await loopbackServer((response) =>
    answer(response, 307, "", { Location: `${bucket.origin}/signed?for=you` }),
  );
  const store = storeAt(server, { headers: { Authorization: "Bearer token", "X-Agent": "a" } });
  expect(await store.get(pack, { range: { start: 4, end: 7 } })).toEqual(bytesOf("456"));
  expect(server.requests[0]?.headers.authorization).toBe("Bearer token");
  expect(bucket.requests[0]?.url).toBe("/signed?for=you");
  expect(bucket.requests[0]?.headers.range).toBe("bytes=4-6");
  expect(bucket.requests[0]?.headers).not.toHaveProperty("authorization");
  expect(bucket.requests[0]?.headers).not.toHaveProperty("x-agent");
});

test("a redirect on the same host keeps the credential", async () => {
  await using server = await loopbackServer((response, { url }) =>
    url.startsWith("/repo") ? answer(response, 302, "", { Location: "/moved" }) : answer(response, 200, "config"),
  );
  expect(await storeAt(server, { headers: { Authorization: "Bearer token" } }).get("config")).toEqual(
    bytesOf("config"),
  );
  expect(server.requests[1]?.headers.authorization).toBe("Bearer token");
});

test("redirects in a circle end, and nothing is ever written where a redirect points", async () => {
  await using server = await loopbackServer((response, { url }) => answer(response, 307, "", { Location: url }));
  const store = storeAt(server);
  expect((await failureOf(store.get("config"))).code).toBe("store-unavailable");
  const reads = server.requests.length;
  expect((await failureOf(store.put(pack, bytesOf("a pack")))).code).toBe("store-denied");
  expect((await failureOf(store.delete(pack))).code).toBe("store-denied");
  expect(server.requests).toHaveLength(reads + 2);
});

test("a redirect from https to http is not followed", async () => {
  const asked: string[] = [];
  const store = restStore({
    url: "https://host/repo/",
    fetch: async (url) => {
      asked.push(url);
      return new Response(null, { status: 302, headers: { Location: "http://host/repo/config" } });
    },
  });
  expect((await failureOf(store.get("config"))).code).toBe("store-denied");
  expect(asked).toEqual(["https://host/repo/config"]);
});

test("a size that the server does not say is store-unavailable", async () => {
  const store = restStore({ url: "https://host/", fetch: async () => new Response(null, { status: 200 }) });
  expect((await failureOf(store.size("config"))).code).toBe("store-unavailable");
});

test("deleting what is not there is fine, and an append-only server's no is store-denied", async () => {
  await using server = await loopbackServer((response, { url }) => answer(response, url.includes("locks") ? 404 : 403));
  const store = storeAt(server);
  await store.delete(hashedName("locks", id));
  expect((await failureOf(store.delete(pack))).code).toBe("store-denied");
});

function storeAt(server: LoopbackServer, options: Partial<RestStoreOptions> = {}): ObjectStore {
  return restStore({ url: `${server.origin}/repo/`, fetch, ...options });
}

function answer(response: ServerResponse, status: number, body = "", headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...(status === 204 ? {} : { "Content-Length": String(body.length) }), ...headers });
  response.end(body);
}

async function failureOf(call: Promise<unknown>): Promise<EngineError> {
  return await call.then(
    () => expect.unreachable("it should have failed"),
    (error: unknown) => requireEngineError(error),
  );
}

function thrownBy(call: () => unknown): EngineError {
  try {
    call();
  } catch (error) {
    return requireEngineError(error);
  }
  return expect.unreachable("it should have thrown");
}

function requireEngineError(error: unknown): EngineError {
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

async function listed(store: ObjectStore, kind: "data" | "index" | "keys" | "locks") {
  const objects = [];
  for await (const object of store.list(kind)) objects.push(object);
  return objects;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
