import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type ObjectStore, parseObjectId, restStore } from "@saveos/engine";
import { expect, test } from "vitest";
import { trustedFetch } from "../../apps/agent/src/daemon/trusted-fetch.ts";
import { openServerTls } from "../../apps/server/src/tls/server-certificate.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("a hundred uploads, five at a time, go over few connections that are kept", async () => {
  await using server = await tlsServer();
  await putMany(server.store, { count: 100, atOnce: 5 });
  expect(server.connections.length).toBeGreaterThanOrEqual(5);
  expect(server.connections.length).toBeLessThanOrEqual(8);
});

test("more at a time wait for each other and don't make more connections", async () => {
  await using server = await tlsServer();
  await putMany(server.store, { count: 100, atOnce: 50 });
  expect(server.connections.length).toBeLessThanOrEqual(8);
});

test("a connection that has to be made anew goes on with the TLS session of an earlier one", async () => {
  await using server = await tlsServer({ connection: "close" });
  await putMany(server.store, { count: 3, atOnce: 1 });
  expect(server.connections.map(({ isResumed }) => isResumed)).toEqual([false, true, true]);
});

async function putMany(store: ObjectStore, { count, atOnce }: { count: number; atOnce: number }): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left-- > 0) {
      const bytes = new Uint8Array(randomBytes(100_000));
      await store.put(`data/${parseObjectId(createHash("sha256").update(bytes).digest("hex"))}`, bytes);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

interface CountingServer extends AsyncDisposable {
  /** Of the agent's own client. */
  readonly store: ObjectStore;
  readonly connections: readonly { readonly isResumed: boolean }[];
}

/** Says yes to everything, over TLS as our server does it. */
async function tlsServer(headers: Readonly<Record<string, string>> = {}): Promise<CountingServer> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await tempFolder());
  const { certificate, key, authority } = await openServerTls(folder.path, ["localhost"], new Date());
  const connections: { isResumed: boolean }[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    request.resume().on("end", () => response.writeHead(200, headers).end());
  }).on("secureConnection", (socket) => connections.push({ isResumed: socket.isSessionReused() }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  started.defer(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const trusted = started.use(trustedFetch(authority));
  const { port } = server.address() as AddressInfo;
  const store = restStore({ url: `https://localhost:${port}/`, fetch: trusted.fetch, streamUploads: true });
  const held = started.move();
  return { store, connections, [Symbol.asyncDispose]: async () => await held.disposeAsync() };
}
