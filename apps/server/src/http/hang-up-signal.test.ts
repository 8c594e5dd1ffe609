import fastify from "fastify";
import { Agent, get } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { hangUpSignal } from "./hang-up-signal.ts";

test("a client that hangs up before it has its answer is noticed", async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  const url = await serve(async (signal) => {
    asked.resolve(signal);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  const request = get(url).on("error", () => undefined);
  const signal = await asked.promise;
  expect(signal.aborted).toBe(false);
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  request.destroy();
  await aborted;
});

test("a client that has its answer did not hang up", async () => {
  const signals: AbortSignal[] = [];
  const url = await serve(async (signal) => void signals.push(signal));
  await (await fetch(url, { headers: { connection: "close" } })).text();
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
});

test("many requests on one connection leave nothing on it", async () => {
  const listeners: number[] = [];
  const url = await serve(async (_signal, countListeners) => void listeners.push(countListeners()));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  for (let i = 0; i < 20; i++)
    await new Promise((resolve, reject) =>
      get(url, { agent }, (response) => response.resume().on("end", resolve)).on("error", reject),
    );
  expect(listeners.at(-1)).toBe(listeners[1]);
});

async function serve(answer: (signal: AbortSignal, countListeners: () => number) => Promise<void>): Promise<string> {
  const app = fastify();
  app.get("/", async (request, reply) => {
    await answer(hangUpSignal(reply), () => request.raw.socket.listenerCount("close"));
    return "answer";
  });
  onTestFinished(() => app.close());
  return await app.listen({ host: "127.0.0.1", port: 0 });
}
