import * as fc from "fast-check";
import { expect, test } from "vitest";
import { collectBytes } from "./collect-bytes.ts";

test("parts of any sizes join to the bytes they were cut from, and each is seen as progress", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), fc.boolean(), async (parts, isLengthKnown) => {
      let seen = 0;
      const whole = new Uint8Array(parts.flatMap((part) => [...part]));
      const limits = { objectLabel: "config", onProgress: () => void seen++ };
      const expected = isLengthKnown ? { expectedBytes: whole.length } : {};
      expect(await collectBytes(streamOf(parts), { ...limits, ...expected })).toEqual(whole);
      expect(seen).toBe(parts.length);
    }),
  );
});

test("an end before the expected bytes is store-unavailable: the rest may come another time", async () => {
  const body = collectBytes(streamOf([new Uint8Array(3)]), { objectLabel: "config", expectedBytes: 4 });
  await expect(body).rejects.toMatchObject({ code: "store-unavailable" });
});

test("more than the expected bytes is corrupt-data, and the source is closed without reading on", async () => {
  let given = 0;
  let isClosed = false;
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(++given && 3);
    } finally {
      isClosed = true;
    }
  }
  const body = collectBytes(endless(), { objectLabel: "config", expectedBytes: 4 });
  await expect(body).rejects.toMatchObject({ code: "corrupt-data" });
  expect({ given, isClosed }).toEqual({ given: 2, isClosed: true });
});

test("an endless body of unknown length ends at the limit", async () => {
  async function* endless() {
    for (;;) yield new Uint8Array(1000);
  }
  const body = collectBytes(endless(), { objectLabel: "Listing", maxBytes: 10_000 });
  await expect(body).rejects.toMatchObject({ code: "corrupt-data" });
});

test("a length over the limit is refused before anything is read", async () => {
  async function* untouched() {
    yield expect.unreachable("nothing may be read");
  }
  const body = collectBytes(untouched(), { objectLabel: "Listing", expectedBytes: 10_001, maxBytes: 10_000 });
  await expect(body).rejects.toMatchObject({ code: "corrupt-data" });
});

async function* streamOf(parts: readonly Uint8Array[]) {
  yield* parts;
}
