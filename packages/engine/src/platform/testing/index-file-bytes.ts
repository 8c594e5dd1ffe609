import type { PackedBlob } from "../../format/blob.ts";
import type { IndexFile } from "../../format/index-file.ts";

/** An index file as other programs may have written it: packs and blobs in any order. */
export function indexFileBytes({ packs }: IndexFile): Uint8Array {
  const texts = packs.map(({ id, blobs }) => `{"id":"${id}","blobs":[${blobs.map(blobText).join(",")}]}`);
  return new TextEncoder().encode(`{"packs":[${texts.join(",")}]}\n`);
}

function blobText({ id, type, offset, length, uncompressedLength }: PackedBlob): string {
  const uncompressed = uncompressedLength === 0 ? "" : `,"uncompressed_length":${uncompressedLength}`;
  return `{"id":"${id}","type":"${type}","offset":${offset},"length":${length}${uncompressed}}`;
}
