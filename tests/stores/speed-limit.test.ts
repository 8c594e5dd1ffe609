import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseObjectId, restStore, systemClock, withLimit } from "@saveos/engine";
import { expect, test } from "vitest";

const bytesPerSecond = 1_000_000;
const objectBytes = 400_000;
const names = Array.from({ length: 5 }, (_, n) => `data/${parseObjectId(String(n).repeat(64))}` as const);

test("five uploads at once over a real connection take the time that the limit gives them, and arrive evenly", async () => {
  const arrivals: { readonly atMs: number; readonly bytes: number }[] = [];
  await using server = await serverThat((chunk) => arrivals.push({ atMs: performance.now(), bytes: chunk.length }));
  const store = limitedStore(server.url, { uploadBytesPerSecond: bytesPerSecond });
  const seconds = await secondsOf(() => Promise.all(names.map((name) => store.put(name, new Uint8Array(objectBytes)))));
  expectWithin5Percent(seconds);
  for (const { atMs } of arrivals) {
    const soon = arrivals.filter((arrival) => arrival.atMs >= atMs && arrival.atMs < atMs + 250);
    expect(soon.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(bytesPerSecond / 2);
  }
});

test("five downloads at once over a real connection take the time that the limit gives them", async () => {
  await using server = await serverThat(() => undefined);
  const store = limitedStore(server.url, { downloadBytesPerSecond: bytesPerSecond });
  expectWithin5Percent(await secondsOf(() => Promise.all(names.map((name) => store.get(name)))));
});

function limitedStore(url: string, limits: { uploadBytesPerSecond?: number; downloadBytesPerSecond?: number }) {
  return withLimit(restStore({ url, fetch, streamUploads: true }), { clock: systemClock, ...limits });
}

function expectWithin5Percent(seconds: number): void {
  const expected = (names.length * objectBytes) / bytesPerSecond;
  expect(seconds).toBeGreaterThan(expected * 0.95);
  expect(seconds).toBeLessThan(expected * 1.05);
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

/** Takes every upload and answers every download with `objectBytes` zeros. */
async function serverThat(onChunk: (chunk: Uint8Array) => void): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    request
      .on("data", onChunk)
      .on("end", () => response.end(request.method === "GET" ? Buffer.alloc(objectBytes) : ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
