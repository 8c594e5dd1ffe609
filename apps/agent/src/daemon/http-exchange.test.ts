import { problemType } from "@saveos/contract";
import { expect, test } from "vitest";
import { exchangeJson } from "./http-exchange.ts";

const signal = new AbortController().signal;
const request = { method: "POST", path: "/api/v1/agents/heartbeat", body: { a: 1 }, signal, timeoutMs: 1000 } as const;

type Fetch = typeof globalThis.fetch;

function exchange(fetch: Fetch) {
  return { fetch, serverUrl: "https://backup.example:8000", credential: () => "saveos_agent_1_secret" };
}

function answering(status: number, body: unknown): Fetch {
  return () => Promise.resolve(new Response(typeof body === "string" ? body : JSON.stringify(body), { status }));
}

function failing(code: string): Fetch {
  const cause = Object.assign(new Error(code), { code });
  return () => Promise.reject(new TypeError("fetch failed", { cause }));
}

function problem(type: string, status: number) {
  return { type, title: "No", status, detail: "It is so because of that" };
}

test("a request carries the credential and follows no redirect with it", async () => {
  let seen: RequestInit | undefined;
  const fetch: Fetch = (_url, init) => {
    seen = init;
    return Promise.resolve(new Response("{}"));
  };
  expect(await exchangeJson(exchange(fetch), request)).toEqual({});
  expect(new Headers(seen?.headers).get("authorization")).toBe("Bearer saveos_agent_1_secret");
  expect(seen?.redirect).toBe("error");
});

test("an answer without a body is no answer to parse", async () => {
  expect(
    await exchangeJson(
      exchange(() => Promise.resolve(new Response(null, { status: 204 }))),
      request,
    ),
  ).toBeUndefined();
});

test.each([
  [409, problem(problemType.identityConflict, 409), "identity-conflict"],
  [409, problem(problemType.enrolmentRefused, 409), "enrolment-refused"],
  [401, problem("about:blank", 401), "credential-refused"],
  [400, problem("about:blank", 400), "server-refused"],
  [503, problem("about:blank", 503), "server-unavailable"],
  [502, "<html>Bad gateway</html>", "server-unavailable"],
  [500, "", "server-unavailable"],
  [404, "not found", "server-refused"],
])("status %i means what its problem says", async (status, body, code) => {
  await expect(exchangeJson(exchange(answering(status, body)), request)).rejects.toMatchObject({ code });
});

test("what the server says about a refusal reaches the person", async () => {
  const answer = answering(400, problem("about:blank", 400));
  await expect(exchangeJson(exchange(answer), request)).rejects.toThrow("It is so because of that");
});

test.each([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "CERT_HAS_EXPIRED",
])("a server that can't prove who it is (%s) is not taken for one that is away", async (code) => {
  await expect(exchangeJson(exchange(failing(code)), request)).rejects.toMatchObject({ code: "server-untrusted" });
});

test.each(["ECONNREFUSED", "ENOTFOUND", "ECONNRESET", "UND_ERR_HEADERS_TIMEOUT"])(
  "%s means that the server is away",
  async (code) => {
    await expect(exchangeJson(exchange(failing(code)), request)).rejects.toMatchObject({ code: "server-unavailable" });
  },
);

test("an answer that is no JSON comes from something else than a server of ours", async () => {
  await expect(exchangeJson(exchange(answering(200, "hello")), request)).rejects.toThrow("not a SaveOS server");
});

test("an endless answer is cut off", async () => {
  const endless: Fetch = () =>
    Promise.resolve(
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)) })),
    );
  await expect(exchangeJson(exchange(endless), request)).rejects.toThrow("too large");
});

test("the caller's own abort is its own reason, not the server's failure", async () => {
  const stopping = new AbortController();
  const fetch: Fetch = (_url, init) =>
    new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new TypeError("fetch failed"))));
  const exchanging = exchangeJson(exchange(fetch), { ...request, signal: stopping.signal });
  stopping.abort(new Error("Ctrl-C"));
  await expect(exchanging).rejects.toThrow("Ctrl-C");
});
