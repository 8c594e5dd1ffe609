import type { Compression } from "../../crypto/primitives.ts";

/** The zstd levels nearest to what restic's names mean in its own encoder. */
export const zstdLevels: Readonly<Record<Exclude<Compression, "off">, number>> = {
  fastest: 1,
  auto: 3,
  better: 7,
  max: 11,
};

/** The most that zstd makes of `sizeBytes` bytes (ZSTD_compressBound). */
export function zstdBoundBytes(sizeBytes: number): number {
  const margin = sizeBytes < 128 * 1024 ? (128 * 1024 - sizeBytes) >> 11 : 0;
  return sizeBytes + Math.ceil(sizeBytes / 256) + margin;
}
