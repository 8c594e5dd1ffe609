import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodeCryptoPrimitives } from "./node-crypto-primitives.ts";
import { fastestSha256Many, type Sha256Lanes, wasmSha256Lanes } from "./sha256-many.ts";

const { sha256 } = nodeCryptoPrimitives;
const megabyte = 1024 * 1024;

/** A clock that hashing moves on, by what a byte costs one by one and in lanes, and what went where. */
function simulated(widths: readonly { width: number; gain: number }[]) {
  let ms = 0;
  const used: string[] = [];
  const one = (bytes: Uint8Array) => {
    ms += bytes.length;
    used.push(`one ${bytes.length}`);
    return sha256(bytes);
  };
  const candidates = widths.map(({ width, gain }): Sha256Lanes => ({
    width,
    hash: (messages) => {
      ms += messages.reduce((sum, message) => sum + message.length, 0) / gain;
      used.push(`lanes ${width}: ${messages.map(({ length }) => length).join(" ")}`);
      return messages.map(sha256);
    },
  }));
  const many = fastestSha256Many(
    one,
    () => candidates,
    () => ms,
  );
  // Enough to make it calibrate.
  many([new Uint8Array(megabyte), new Uint8Array(megabyte)]);
  const usedFor = (lengths: readonly number[]) => {
    used.length = 0;
    const messages = lengths.map((length, i) => new Uint8Array(length).fill(i));
    expect(many(messages)).toEqual(messages.map(sha256));
    return [...used];
  };
  return usedFor;
}

test("the fastest way is used, with the longest messages first", () => {
  const usedFor = simulated([
    { width: 4, gain: 2 },
    { width: 8, gain: 3 },
  ]);
  expect(usedFor([9000, 8000, 9500, 8100, 9001, 9002, 9003, 9004])).toEqual([
    "lanes 8: 9500 9004 9003 9002 9001 9000 8100 8000",
  ]);
});

test("a wider way that is hardly faster is not used: it needs more messages", () => {
  const usedFor = simulated([
    { width: 2, gain: 1.5 },
    { width: 8, gain: 1.55 },
  ]);
  expect(usedFor([9000, 8000])).toEqual(["lanes 2: 9000 8000"]);
});

test("where lanes gain nothing, messages are hashed one after another", () => {
  expect(simulated([{ width: 4, gain: 0.7 }])([9000, 8000])).toEqual(["one 9000", "one 8000"]);
  expect(simulated([])([9000, 8000])).toEqual(["one 9000", "one 8000"]);
});

test("a message that would keep its lane busy long after the others is hashed on its own", () => {
  const usedFor = simulated([{ width: 4, gain: 2 }]);
  expect(usedFor([5000, 90_000, 5000, 5000, 5000])).toEqual(["one 90000", "lanes 4: 5000 5000 5000 5000"]);
  expect(usedFor([90_000, 5000])).toEqual(["one 90000", "one 5000"]);
});

test("little is hashed without calibrating", () => {
  const many = fastestSha256Many(
    sha256,
    () => expect.unreachable("no candidate is needed"),
    () => 0,
  );
  expect(many([new Uint8Array(1000), new Uint8Array(0)])).toEqual([
    sha256(new Uint8Array(1000)),
    sha256(new Uint8Array(0)),
  ]);
  expect(many([new Uint8Array(2 * megabyte)])).toEqual([sha256(new Uint8Array(2 * megabyte))]);
});

test("whatever the calibration picks, the digests are the same", () => {
  const [inWasm] = wasmSha256Lanes();
  const ways = [1, 4].flatMap((gain) => {
    const lanes: Sha256Lanes = inWasm ?? { width: 4, hash: (messages) => messages.map(sha256) };
    let ms = 0;
    const one = (bytes: Uint8Array) => ((ms += bytes.length * gain), sha256(bytes));
    const hash: Sha256Lanes["hash"] = (messages) => {
      for (const message of messages) ms += message.length * 2;
      return lanes.hash(messages);
    };
    const many = fastestSha256Many(
      one,
      () => [{ width: lanes.width, hash }],
      () => ms,
    );
    many([new Uint8Array(megabyte), new Uint8Array(megabyte)]);
    return [many];
  });
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { maxLength: 12 }), (lengths) => {
      const messages = lengths.map((length, i) => new Uint8Array(length).fill(i));
      for (const many of ways) expect(many(messages)).toEqual(messages.map(sha256));
    }),
    { numRuns: 20 },
  );
});
