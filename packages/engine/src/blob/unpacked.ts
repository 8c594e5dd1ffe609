import { open, seal } from "../crypto/seal.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";

/** Says that zstd data follows. The raw form has no such byte: it begins with the JSON itself. */
const zstdMark = 0x02;

/** What JSON of these files begins with. */
const openingBrace = 0x7b;
const openingBracket = 0x5b;

/**
 * The most that an index, snapshot or lock may decompress to: a JavaScript engine holds no longer string, and the largest index that restic writes
 * is a sixth of it.
 */
const maxUnpackedBytes = 512 * 1024 * 1024;

/**
 * Seals an index, snapshot or lock file (restic design.rst, "Unpacked Data Format"): version 2 compresses it, version 1 takes it as it is.
 * Where the platform can't compress, version 2 also holds plain JSON. Config and key files are not made this way.
 */
export function sealUnpacked(primitives: Primitives, key: MasterKey, version: 1 | 2, json: Uint8Array): Uint8Array {
  invariant(json[0] === openingBrace || json[0] === openingBracket, "an unpacked file is a JSON object or array");
  return seal(primitives, key, version === 1 ? json : compressUnpacked(primitives, json));
}

/** Gives the JSON of an index, snapshot or lock file. Throws `corrupt-data` for a wrong MAC or broken zstd, `unsupported` for an encoding made after this program. */
export function openUnpacked(primitives: Primitives, key: MasterKey, version: 1 | 2, sealed: Uint8Array): Uint8Array {
  const plain = open(primitives, key, sealed);
  return version === 1 ? plain : decompressUnpacked(primitives, plain);
}

function compressUnpacked(primitives: Primitives, json: Uint8Array): Uint8Array {
  const compressed = primitives.zstdCompress?.(json, "auto");
  if (compressed === undefined) return json;
  const marked = new Uint8Array(1 + compressed.length);
  marked[0] = zstdMark;
  marked.set(compressed, 1);
  return marked;
}

function decompressUnpacked(primitives: Primitives, plain: Uint8Array): Uint8Array {
  const first = plain[0];
  if (first === undefined || first === openingBrace || first === openingBracket) return plain;
  if (first === zstdMark) return primitives.zstdDecompress(plain.subarray(1), maxUnpackedBytes);
  throw new EngineError("unsupported", `A file of the repository has the unknown encoding ${first}`, {
    hint: "It may have been written by a newer program: update SaveOS.",
  });
}
