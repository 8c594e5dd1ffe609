import * as fc from "fast-check";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { checkedBody, hashOf } from "./checked-body.ts";
import { configName } from "./object-name.ts";

const chunkList = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 });

test("a right body passes unchanged, whatever the chunks, and its hash is known at the end", async () => {
  await fc.assert(
    fc.asyncProperty(chunkList, async (chunks) => {
      const whole = Buffer.concat(chunks);
      const sha256 = createHash("sha256").update(whole).digest("hex");
      const checked = checkedBody(configName, stream(chunks), { sizeBytes: whole.length, sha256 });
      const passed: Uint8Array[] = [];
      for await (const chunk of checked) passed.push(chunk);
      expect(Buffer.concat(passed)).toEqual(whole);
      expect(hashOf(checked)).toBe(sha256);
    }),
  );
});

test("a wrong body never gets its last chunk through, whatever is wrong with it", async () => {
  const wrongs = fc.oneof(
    fc.constant("hash" as const),
    fc.constant("longer" as const),
    fc.constant("shorter" as const),
  );
  await fc.assert(
    fc.asyncProperty(chunkList, wrongs, async (chunks, wrong) => {
      fc.pre(chunks.length > 0);
      const whole = Buffer.concat(chunks);
      const sha256 = createHash("sha256")
        .update(wrong === "hash" ? "another" : whole)
        .digest("hex");
      const sizeBytes = whole.length + { hash: 0, longer: -1, shorter: 1 }[wrong];
      const passed: Uint8Array[] = [];
      const reading = (async () => {
        for await (const chunk of checkedBody(configName, stream(chunks), { sizeBytes, sha256 })) passed.push(chunk);
      })();
      await expect(reading).rejects.toMatchObject({ code: wrong === "hash" ? "wrong-hash" : "wrong-length" });
      expect(passed.length).toBeLessThan(chunks.length);
    }),
  );
});

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
