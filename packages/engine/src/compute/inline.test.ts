import { expect, test } from "vitest";
import { generateMasterKey } from "../crypto/master-key.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { inlineCompute } from "./inline.ts";

const compute = inlineCompute(nodePrimitives);
const key = generateMasterKey(nodePrimitives);

test("what is sealed opens again", async () => {
  const plain = new TextEncoder().encode("hello");
  const id = await compute.blobId(plain);
  const blob = await compute.sealBlob(key, plain, "auto");
  expect(await compute.openBlob(key, blob, id)).toEqual(plain);
});

test("damage comes as a rejection, not as an exception", async () => {
  const id = await compute.blobId(new Uint8Array(0));
  const opening = compute.openBlob(key, { sealed: new Uint8Array(40), uncompressedLength: 0 }, id);
  await expect(opening).rejects.toThrow(expect.objectContaining({ code: "corrupt-data" }));
});
