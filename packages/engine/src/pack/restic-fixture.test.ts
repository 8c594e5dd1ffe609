import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { blobIdOf, openBlob } from "../blob/seal-blob.ts";
import { openUnpacked } from "../blob/unpacked.ts";
import { decodeMasterKey, deriveUserKey, type MasterKey } from "../crypto/master-key.ts";
import { portablePrimitives } from "../crypto/portable-primitives.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { open } from "../crypto/seal.ts";
import { isIrreducible } from "../chunk/polynomial.ts";
import { decodeConfig } from "../format/config.ts";
import { decodeIndexFile } from "../format/index-file.ts";
import { decodeKeyFile } from "../format/key-file.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { BlobIndex } from "../blob-index/blob-index.ts";
import { readPackHeader } from "./read-pack.ts";

/** The files of a repository that stock restic 0.14.0 wrote, by path. */
const files = filesOfTar(
  gunzipSync(readFileSync(new URL("../../vectors/saveos-v2-restic0.14.tar.gz", import.meta.url))),
);

test.each([
  ["Node's", nodePrimitives],
  ["the portable", portablePrimitives],
])("every byte that stock restic wrote is understood by %s primitives", async (_, primitives) => {
  const key = await masterKey(primitives);
  const config = decodeConfig(open(primitives, key, fileAt("v2/config")));
  expect(config).toMatchObject({ version: 2, chunkerPolynomial: 0x3da3358b4dc173n });
  expect(isIrreducible(config.chunkerPolynomial)).toBe(true);

  const index = new BlobIndex();
  for (const [, sealed] of filesIn("v2/index/"))
    for (const { id, blobs } of decodeIndexFile(openUnpacked(primitives, key, 2, sealed)).packs) index.add(id, blobs);
  expect(index.conflictingPacks()).toEqual([]);

  const packs = [...filesIn("v2/data/")];
  expect(packs.length).toBe(index.packCount);
  for (const { pack, blobs } of index.packs()) {
    const bytes = fileAt(`v2/data/${pack.slice(0, 2)}/${pack}`);
    expect(primitives.sha256(bytes).toHex()).toBe(pack);
    expect(readPackHeader(primitives, key, bytes, bytes.length)).toEqual(blobs);
    for (const { id, offset, length, uncompressedLength } of blobs) {
      const sealed = bytes.subarray(offset, offset + length);
      expect(blobIdOf(primitives, openBlob(primitives, key, { sealed, uncompressedLength }, id))).toBe(id);
    }
  }
  for (const [, sealed] of filesIn("v2/snapshots/"))
    expect(new TextDecoder().decode(openUnpacked(primitives, key, 2, sealed))).toMatch(/^\{"time":/);
});

test("another password opens nothing", async () => {
  await expect(masterKey(nodePrimitives, "Geheim")).rejects.toThrow(expect.objectContaining({ code: "corrupt-data" }));
});

async function masterKey(primitives: Primitives, password = "geheim"): Promise<MasterKey> {
  const [, bytes] = [...filesIn("v2/keys/")][0] ?? expect.unreachable("the repository has a key");
  const { salt, cost, data } = decodeKeyFile(bytes);
  return decodeMasterKey(open(primitives, await deriveUserKey(primitives, password, salt, cost), data));
}

function fileAt(path: string): Uint8Array {
  return files.get(path) ?? expect.unreachable(`the repository has ${path}`);
}

function filesIn(folder: string): [string, Uint8Array][] {
  return [...files].filter(([path]) => path.startsWith(folder));
}

/** Regular files of a tar archive whose names are short: enough for one that we know. */
function filesOfTar(tar: Uint8Array): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const text = (from: number, length: number) =>
    new TextDecoder().decode(tar.subarray(from, from + length)).replace(/\0.*$/s, "");
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const isFile = ["", "0"].includes(text(at + 156, 1));
    if (isFile) found.set(text(at, 100), tar.slice(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}
