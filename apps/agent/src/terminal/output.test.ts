import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { streamOutput } from "./output.ts";

/** A reader that takes one piece at a time, when the test says so. */
function slowReader() {
  const taken: string[] = [];
  let next: (() => void) | undefined;
  const stream = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      taken.push(chunk.toString());
      next = () => done();
    },
  });
  return { stream: stream as NodeJS.WriteStream, taken, take: () => next?.() };
}

test("who writes much waits until the reader has taken it", async () => {
  const { stream, taken, take } = slowReader();
  const written: string[] = [];
  const writing = streamOutput(stream)
    .write("first")
    .then(() => written.push("first"));
  expect([taken, written]).toEqual([["first"], []]);
  take();
  await writing;
  expect(written).toEqual(["first"]);
});

test("many who wait at once leave no listeners behind", async () => {
  const { stream, take } = slowReader();
  const output = streamOutput(stream);
  const before = stream.listenerCount("close");
  const writing = Array.from({ length: 30 }, (_, i) => output.write(String(i)));
  expect(stream.listenerCount("drain")).toBe(1);
  stream.on("drain", () => undefined);
  const taking = setInterval(take);
  await Promise.all(writing);
  clearInterval(taking);
  expect(stream.listenerCount("close")).toBe(before);
});

test("a reader that went away keeps nobody waiting", async () => {
  const { stream } = slowReader();
  const writing = streamOutput(stream).write("first");
  stream.destroy();
  await expect(writing).resolves.toBeUndefined();
});
