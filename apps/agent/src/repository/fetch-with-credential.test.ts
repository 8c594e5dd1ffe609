import { restStore, withRetry } from "@saveos/engine";
import { autoClock } from "@saveos/engine/testing";
import { expect, test } from "vitest";
import { fetchWithCredential } from "./connect-store.ts";

/** A server that knows one credential, and the secrets of a machine. */
function serverAndSecrets() {
  const server = { accepts: "old", seen: [] as string[] };
  const fetch = (_url: unknown, init: RequestInit = {}) => {
    const given = new Headers(init.headers).get("authorization") ?? "none";
    server.seen.push(given);
    return Promise.resolve(new Response("bytes", { status: given === `Bearer ${server.accepts}` ? 200 : 401 }));
  };
  const secrets = {
    credential: "old",
    onDisk: "old",
    rereadCredential: () => {
      secrets.credential = secrets.onDisk;
      return Promise.resolve(secrets.credential);
    },
  };
  const store = restStore({
    url: "https://backup.example/restic/1/",
    fetch: fetchWithCredential(fetch, secrets),
    headers: { authorization: "replaced at each request" },
    streamUploads: true,
  });
  return { server, secrets, store: withRetry(store, { clock: autoClock() }) };
}

test("a store that is open goes on with the credential that is in force at each request", async () => {
  const { server, secrets, store } = serverAndSecrets();
  await store.get("config");
  server.accepts = "new";
  secrets.credential = "new";
  await store.get("config");
  expect(server.seen).toEqual(["Bearer old", "Bearer new"]);
});

test("an upload that was under way with the old credential is made again with the new one", async () => {
  const { server, secrets, store } = serverAndSecrets();
  server.accepts = "new";
  secrets.onDisk = "new";
  await store.put("config", new Uint8Array(100_000));
  expect(server.seen).toEqual(["Bearer old", "Bearer new"]);
});

test("a credential that is refused though it is in force is refused", async () => {
  const { server, store } = serverAndSecrets();
  server.accepts = "none of ours";
  await expect(store.get("config")).rejects.toMatchObject({ code: "store-denied" });
  expect(server.seen).toEqual(["Bearer old"]);
});

test("a job's grant goes with its deletions, and with nothing else", async () => {
  const seen: (readonly [string | undefined, string | null])[] = [];
  const fetch = (_url: unknown, { method, headers }: RequestInit = {}) => {
    seen.push([method, new Headers(headers).get("saveos-grant")]);
    return Promise.resolve(new Response("bytes"));
  };
  const secrets = { credential: "mine", rereadCredential: () => Promise.resolve("mine") };
  const withGrant = fetchWithCredential(fetch, secrets, "the grant");
  const authorization = "replaced at each request";
  for (const method of ["GET", "POST", "DELETE"]) await withGrant("https://x/", { method, headers: { authorization } });
  // Where a redirect leads to another host, the store leaves the credential out.
  await withGrant("https://elsewhere/", { method: "DELETE" });
  expect(seen).toEqual([
    ["GET", null],
    ["POST", null],
    ["DELETE", "the grant"],
    ["DELETE", null],
  ]);
});
