import fastify from "fastify";
import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { countTransfers } from "./transfers.ts";

test("transfers are active while one is under way and for two seconds more, and other requests don't count", async () => {
  let nowMs = 0;
  const transfers = countTransfers(() => nowMs);
  const app = fastify();
  transfers.observe(app);
  const sent = Promise.withResolvers<undefined>();
  app.get("/health", async () => "fine");
  app.get("/restic/*", async () => {
    await sent.promise;
    return "bytes";
  });
  const url = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
  onTestFinished(async () => await app.close());

  await fetch(new URL("/health", url));
  expect(transfers.isActive()).toBe(false);
  const download = fetch(new URL("/restic/some/object", url));
  await vi.waitUntil(() => transfers.isActive());
  nowMs = 1_000_000;
  expect(transfers.isActive()).toBe(true);
  sent.resolve(undefined);
  await (await download).text();
  nowMs += 1999;
  expect(transfers.isActive()).toBe(true);
  await vi.waitUntil(() => {
    nowMs += 1;
    return !transfers.isActive();
  });
});

test("a transfer that is broken off is over", async () => {
  let nowMs = 0;
  const transfers = countTransfers(() => nowMs);
  const app = fastify();
  transfers.observe(app);
  app.get("/restic/*", async () => await new Promise(() => {}));
  const { port } = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
  onTestFinished(async () => await app.close());
  const socket = connect({ host: "127.0.0.1", port: Number(port) });
  socket.write("GET /restic/some/object HTTP/1.1\r\nhost: a\r\n\r\n");
  await vi.waitUntil(() => transfers.isActive());
  socket.destroy();
  await once(socket, "close");
  await vi.waitUntil(() => {
    nowMs += 2000;
    return !transfers.isActive();
  });
});
