import type { Compression, Primitives } from "../../crypto/primitives.ts";
import { invariant } from "../../errors/invariant.ts";
import { notNull, perThread } from "./native-context.ts";
import type { NativeLibrary, Pointer } from "./native-library.ts";
import { roomFor } from "./native-room.ts";
import { type CompressProbe, minProbedBytes, seemsToShrink } from "./native-shrink-probe.ts";
import { zstdBoundBytes, zstdLevels } from "./zstd-level.ts";

/** `ZSTD_c_compressionLevel` and `ZSTD_c_checksumFlag` of zstd.h. */
const compressionLevelParameter = 100;
const checksumParameter = 201;
/** `ZSTD_error_dstSize_tooSmall` of zstd_errors.h, negated as functions return it. */
const outputTooSmall = -70;

/** zstd compression. Asked for a result that is shorter than a large `bytes`, it looks first whether that is likely. */
export function nativeZstdCompress(library: NativeLibrary): NonNullable<Primitives["zstdCompress"]> {
  const contexts = encoders(library);
  /** The result's length, undefined if it does not fit. */
  function compress(level: Level, bytes: Uint8Array, out: Uint8Array): number | undefined {
    const length = library.ZSTD_compress2(contexts[level](), out, out.length, bytes, bytes.length);
    if (length === outputTooSmall) return undefined;
    invariant(length >= 0 && length <= out.length, "zstd compresses any bytes");
    return length;
  }
  const compressProbe: CompressProbe = (sample, out) => compress("fastest", sample, out);

  return (bytes, level, room) => {
    if (room === undefined) {
      const out = new Uint8Array(zstdBoundBytes(bytes.length));
      return out.slice(0, compress(level, bytes, out));
    }
    const mustShrink = room.length < bytes.length;
    if (mustShrink && bytes.length >= minProbedBytes && !seemsToShrink(bytes, compressProbe)) return undefined;
    const length = compress(level, bytes, room);
    return length === undefined ? undefined : room.subarray(0, length);
  };
}

type Level = Exclude<Compression, "off">;

/**
 * One encoder a level, kept because making one anew costs more than a small blob. Each keeps the memory that its largest blob took: 0.6 MB at `fastest`,
 * 1.3 at `auto`, 6 at `better` and 22 at `max`, in every thread that compresses at that level.
 */
function encoders(library: NativeLibrary): Record<Level, () => Pointer> {
  const encoder = (level: number) =>
    perThread(
      () => {
        const context = notNull(library.ZSTD_createCCtx());
        const isSet =
          library.ZSTD_CCtx_setParameter(context, compressionLevelParameter, level) >= 0 &&
          // Blobs and files carry a SHA-256 and a MAC: a third checksum would only take room.
          library.ZSTD_CCtx_setParameter(context, checksumParameter, 0) >= 0;
        invariant(isSet, "zstd knows its own parameters");
        return context;
      },
      (context) => library.ZSTD_freeCCtx(context),
    );
  return {
    fastest: encoder(zstdLevels.fastest),
    auto: encoder(zstdLevels.auto),
    better: encoder(zstdLevels.better),
    max: encoder(zstdLevels.max),
  };
}

/** A chunk is no longer. A longer result without a length in its frame is left to the decoder that works in pieces. */
const maxUnknownBytes = 8 * 1024 * 1024;
/** A block of a zstd frame takes at least 4 bytes and gives at most 128 KiB (RFC 8878, section 3.1.1.2). */
const maxBytesPerByte = (128 * 1024) / 4;

/**
 * zstd decompression in one step, for frames that say how long their content is, as restic and SaveOS write them, and for any that belong to
 * a chunk. Whatever is unusual, and every failure, is left to `inPieces`, which throws `corrupt-data` if it must.
 * A frame's window doesn't matter here: the result itself is the window, and nothing is allocated for it.
 */
export function nativeZstdDecompress(
  library: NativeLibrary,
  inPieces: Primitives["zstdDecompress"],
): Primitives["zstdDecompress"] {
  const decoder = perThread(
    () => notNull(library.ZSTD_createDCtx()),
    (context) => library.ZSTD_freeDCtx(context),
  );
  return (bytes, maxBytes, room) => {
    const lengthBytes = likelyLength(library, bytes, maxBytes);
    if (lengthBytes !== undefined) {
      const out = roomFor(lengthBytes, room);
      const length = library.ZSTD_decompressDCtx(decoder(), out, out.length, bytes, bytes.length);
      if (length === out.length) return out;
      if (length >= 0 && length < out.length) return out.subarray(0, length);
    }
    return inPieces(bytes, maxBytes, room);
  };
}

/** How much room the content may need. A length that so few bytes can't give is a lie that must not allocate memory. */
function likelyLength(library: NativeLibrary, bytes: Uint8Array, maxBytes: number): number | undefined {
  const stated = Number(library.ZSTD_getFrameContentSize(bytes, bytes.length));
  const possible = Math.min(maxBytes, bytes.length * maxBytesPerByte);
  if (stated >= 0) return stated <= possible ? stated : undefined;
  return stated === -1 && possible <= maxUnknownBytes ? possible : undefined;
}
